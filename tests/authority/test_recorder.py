"""The recorder: no authorisation, no record; and only inside scope and time."""

import json
import os
from collections import Counter
from ipaddress import ip_address
from pathlib import Path

import pytest

from agent.authority.audit import verify
from agent.authority.authorisation import Device
from agent.authority.log_files import log_files
from agent.authority.recorder import LIMITS, Recorder, entry_of, open_recorder
from agent.authority.signature import new_key
from agent.authority.store import RECORDS, revoke, write_authorisation, write_keys
from agent.flow import Account
from agent.lab.canary import PREFIX
from agent.lab.day import school_day
from agent.lab.pcap import write_pcap
from agent.pipeline import FlowRecord
from tests.authority.examples import DAY, NOON, SECOND, SECRET_NAME, Office, authorisation, flow, network
from tests.conserved import play, shipped_policy

LATER = NOON + 60 * SECOND


def started(office: Office, now: int = NOON) -> Recorder:
    """A recorder as a daemon has it."""
    return open_recorder(office.directory, records_days=90, now_ns=now)


def records(office: Office) -> list[dict[str, object]]:
    """What was recorded."""
    directory = office.directory / RECORDS
    if not directory.exists():
        return []
    lines = [line for file in log_files(directory) for line in file.path.read_bytes().splitlines()]
    return [entry for line in lines if (entry := json.loads(line))["kind"] == "flow"]


def take(recorder: Recorder, *flows: FlowRecord, now: int = LATER) -> None:
    """Flows that end now, stamped by the wall clock."""
    for one in flows:
        recorder.record(one, stamp_ns=now, now_ns=now)


def test_no_authorisation_no_record(office: Office) -> None:
    """Without an authorisation nothing is written at all: neither a record nor a file."""
    recorder = started(office)
    take(recorder, flow(), flow(segment="students"))
    recorder.tick(LATER)
    take(recorder, flow())
    recorder.close()

    assert ["authority.pub"] == [path.name for path in office.directory.iterdir()]
    assert dict.fromkeys(LIMITS, 0) == recorder.limits_met


def test_what_a_record_holds(office: Office) -> None:
    """Time, application, category, verdict, account, segment and size; no address, no port, no name, no payload."""
    made = authorisation()
    office.write(made)
    recorder = started(office)
    take(recorder, flow())
    recorder.close()
    (record,) = records(office)

    assert {
        "kind": "flow",
        "authorisation": made.identifier,
        "started": "2026-11-23T12:00:01Z",
        "ended": "2026-11-23T12:01:00Z",
        "segment": "staff",
        "application": "example_drive",
        "category": "file_sharing",
        "account": "personal",
        "verdict": "review",
        "sent_packets": 11,
        "received_packets": 22,
        "sent_bytes": 3_333,
        "received_bytes": 4_444,
    } == {key: value for key, value in record.items() if key not in {"sequence", "previous", "hash"}}
    data = b"".join(path.read_bytes() for path in (office.directory / RECORDS).iterdir())
    for secret in (SECRET_NAME, "10.10.4.7", "192.0.2.99", "50123"):
        assert secret.encode() not in data


def test_names_only_where_authorised(office: Office) -> None:
    """Names of hosts are recorded under the authorisation that allows them, and under no other."""
    office.write(authorisation(names=True))
    office.write(network("students"))
    recorder = started(office)
    take(recorder, flow(), flow(client="10.20.1.1", segment="students"))

    assert [[SECRET_NAME], None] == [record.get("names") for record in records(office)]


def test_only_inside_the_scope(office: Office) -> None:
    """Another client's flows are not recorded; nor those to the device; nor another segment's."""
    office.write(authorisation())
    recorder = started(office)
    take(recorder, flow(client="10.10.4.8"), flow(client="192.0.2.99"), flow(client="2001:db8::7"))
    assert [] == records(office)

    office.write(network("students"))
    recorder.tick(NOON)
    take(recorder, flow(client="10.20.1.1", segment="students"), flow(client="10.30.1.1", segment="guests"))
    assert ["students"] == [record["segment"] for record in records(office)]


def test_only_inside_the_time(office: Office) -> None:
    """Not before it begins, and not after it ends; no reload and no tick is needed for either."""
    office.write(authorisation(begin=NOON + 10 * SECOND, end=NOON + 20 * SECOND))
    recorder = started(office)
    for second in range(0, 40, 2):
        now = NOON + second * SECOND
        take(recorder, flow(started=now - SECOND, application=f"at_{second}"), now=now)

    assert [f"at_{second}" for second in (12, 14, 16, 18)] == [record["application"] for record in records(office)]


def test_clock_of_the_packets(office: Office) -> None:
    """Packets may be stamped by another clock: what counts is how long ago the flow began."""
    office.write(authorisation())
    recorder = started(office)
    recorder.record(flow(started=5 * SECOND), stamp_ns=35 * SECOND, now_ns=LATER)
    recorder.record(flow(started=5 * SECOND), stamp_ns=66 * SECOND, now_ns=LATER)

    assert ["2026-11-23T12:00:30Z"] == [record["started"] for record in records(office)]


def test_what_comes_and_goes_while_it_runs(office: Office) -> None:
    """A new authorisation, its revocation and its removal are honoured at the next tick."""
    recorder = started(office)
    made = authorisation()
    path = office.write(made)
    recorder.tick(LATER)
    take(recorder, flow())
    assert 1 == len(records(office))

    revoked = revoke(office.directory, made.identifier, by="K. Roe", at="")
    recorder.tick(LATER)
    take(recorder, flow())
    assert 1 == len(records(office))

    revoked.unlink()
    recorder.tick(LATER)
    take(recorder, flow())
    assert 2 == len(records(office))

    path.unlink()
    recorder.tick(LATER)
    take(recorder, flow())
    assert 2 == len(records(office))


def test_an_edited_one_stops(office: Office) -> None:
    """A signed file that is changed while the daemon runs gives no permission any more, and is counted."""
    path = office.write(authorisation())
    recorder = started(office)
    path.write_text(path.read_text().replace("10.10.4.7", "10.10.4.8"))
    recorder.tick(LATER)
    take(recorder, flow(), flow(client="10.10.4.8"))

    assert [] == records(office)
    assert 1 == recorder.limits_met["authorisations_refused"]


def test_another_key_is_of_no_use(office: Office) -> None:
    """Who puts another public key in the place of ours, and signs with its other half, permits nothing."""
    recorder = started(office)
    private, public = new_key()
    (office.directory / "authority.pub").unlink()
    write_keys(office.directory, office.directory.parent / "other.key", private, public)
    write_authorisation(office.directory, authorisation(), private)
    recorder.tick(LATER)
    take(recorder, flow())

    assert [] == records(office)
    assert 1 == recorder.limits_met["authorisations_refused"]


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    """Nothing is recorded, it is counted, and the daemon goes on; when the directory comes, it is read."""
    recorder = open_recorder(tmp_path / "authorisations", records_days=90, now_ns=NOON)
    take(recorder, flow())
    recorder.tick(LATER)
    assert 1 == recorder.limits_met["authorisations_unreadable"]

    office = Office(tmp_path / "authorisations")
    office.write(authorisation())
    recorder.tick(LATER)
    take(recorder, flow())
    assert 1 == len(records(office))


def test_a_key_that_is_none(office: Office) -> None:
    """A file of noise in the key's place permits nothing, until the key is there."""
    office.write(authorisation())
    (office.directory / "authority.pub").write_bytes(b"noise")
    recorder = started(office)
    take(recorder, flow())
    assert ([], 1) == (records(office), recorder.limits_met["authorisations_unreadable"])

    (office.directory / "authority.pub").write_bytes(office.public)
    recorder.tick(LATER)
    take(recorder, flow())
    assert 1 == len(records(office))


def test_a_pipe_in_place_of_the_key(office: Office) -> None:
    """It would keep a daemon waiting for its other end; it is no file, and permits nothing."""
    office.write(authorisation())
    (office.directory / "authority.pub").unlink()
    os.mkfifo(office.directory / "authority.pub")
    recorder = started(office)
    take(recorder, flow())

    assert ([], 1) == (records(office), recorder.limits_met["authorisations_unreadable"])


def test_a_link_that_leads_nowhere(office: Office) -> None:
    """One bad file does not keep a revocation from being seen."""
    made = authorisation()
    office.write(made)
    (office.directory / "gone.json").symlink_to(office.directory / "nothing")
    recorder = started(office)
    (office.directory / f"{made.identifier}.revoked.json").touch()
    recorder.tick(LATER)
    take(recorder, flow())

    assert [] == records(office)


def test_unchanged_is_not_read_again(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """While nothing changes, a tick opens no file."""
    office.write(authorisation())
    recorder = started(office)
    monkeypatch.setattr("agent.authority.recorder.read_store", None)  # a call would raise TypeError
    recorder.tick(LATER)
    os.utime(office.directory / "authority.pub", ns=(1, 1))
    with pytest.raises(TypeError):
        recorder.tick(LATER)


def test_the_log_is_whole(office: Office) -> None:
    """What a recorder wrote passes the audit, authorisations and all, also over days and with several of them."""
    made = authorisation(), network("students")
    for one in made:
        office.write(one)
    recorder = started(office)
    for hour in range(1, 24, 3):
        now = NOON + hour * 3_600 * SECOND
        take(recorder, flow(started=now), flow(client="10.20.1.1", segment="students", started=now), now=now)
        recorder.tick(now)
    recorder.close()
    audit = verify([office.directory / RECORDS], authorisations=made)

    assert ([], 16) == (audit.findings, audit.records)
    assert 2 == len(log_files(office.directory / RECORDS))


def test_records_are_kept_for_their_time(office: Office) -> None:
    """Records are deleted when their days are over, whether or not an authorisation is in force."""
    office.write(authorisation())
    recorder = open_recorder(office.directory, records_days=7, now_ns=NOON)
    take(recorder, flow())
    recorder.tick(NOON + 6 * DAY)
    assert 1 == len(records(office))
    recorder.tick(NOON + 7 * DAY)
    assert [] == records(office)


def test_records_elsewhere(office: Office, tmp_path: Path) -> None:
    """The log may have a directory of its own: the daemon then needs no right to write where authorisations are."""
    office.write(authorisation())
    recorder = open_recorder(office.directory, records_days=7, now_ns=NOON, records=tmp_path / "log")
    take(recorder, flow())

    assert not (office.directory / RECORDS).exists()
    assert 1 == len(log_files(tmp_path / "log"))


def test_account_is_told() -> None:
    """Whether the account is personal is part of a record, since the exceptions of the law turn on it."""
    entry = entry_of(flow(), authorisation(Device(ip_address("2001:db8::7"))), NOON, NOON)

    assert Account.PERSONAL.value == entry["account"]


def test_a_school_day(office: Office, tmp_path: Path) -> None:
    """Of a day's traffic the device's flows are recorded, all of them and no other; no payload and no name with them."""
    capture = tmp_path / "day.pcap"
    write_pcap(capture, school_day(seed=4, flows=400, start_ns=NOON, duration_ns=60 * SECOND).frames())
    assert PREFIX in capture.read_bytes()
    ends = NOON + 3_600 * SECOND
    seen = Counter(record.flow.ends.client for record in play(capture, shipped_policy()).records)
    client, times = seen.most_common(1)[0]
    office.write(authorisation(Device(ip_address(client))))
    recorder = started(office)
    played = play(
        capture,
        shipped_policy(),
        on_flow=lambda _path, record: recorder.record(record, stamp_ns=ends, now_ns=ends),
    )
    recorder.close()

    assert times == len(records(office))
    assert times < len(played.records)
    wanted = Counter(r.flow_class.application for r in played.records if r.flow.ends.client == client)
    assert wanted == Counter(record["application"] for record in records(office))
    data = b"".join(path.read_bytes() for path in (office.directory / RECORDS).iterdir())
    assert PREFIX not in data
    assert len(played.hostnames) > 20
    assert [] == [name for name in played.hostnames if name.encode() in data]
    assert [] == [
        ip
        for ip in {r.flow.ends.server for r in played.records if r.flow.ends.server}
        if str(ip_address(ip)).encode() in data
    ]
