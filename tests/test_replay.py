"""Tests of replaying: capture files in, a report out, whatever state the files are in."""

import os
from pathlib import Path

import pytest

from agent.flow import Evidence
from agent.lab import crafted, envelopes
from agent.lab.crafted import CASES, STEP_NS
from agent.lab.day import school_day
from agent.lab.frames import Frame
from agent.lab.pcap import write_pcap, write_pcapng
from agent.pipeline import FlowRecord
from agent.replay import CUT_MEANWHILE, TICK_NS, replay
from agent.verdict import Verdict
from tests.conserved import assert_conserved, play, play_frames, shipped_policy
from tests.plain_policy import UNKNOWN, PlainPolicy, named

PLAIN = PlainPolicy()
SECOND_NS = 1_000_000_000
PAGE_BYTES = 4096
START_NS = crafted.START_NS
PERMITTED, PROHIBITED = Verdict.PERMITTED, Verdict.PROHIBITED


def written(folder: Path, frames: list[Frame], name: str = "frames.pcap") -> Path:
    """The frames as a file."""
    path = folder / name
    (write_pcapng if path.suffix == ".pcapng" else write_pcap)(path, frames)
    return path


def at(frames: list[Frame], start_ns: int) -> list[Frame]:
    """The frames, STEP_NS apart, from another time on."""
    return [frame._replace(time_ns=start_ns + i * STEP_NS) for i, frame in enumerate(frames)]


def test_a_file(tmp_path: Path) -> None:
    """One flow, from its first frame to its last, with everything that is told of it."""
    frames = crafted.tls(1, vlan=20)
    played = play(written(tmp_path, frames), PLAIN)
    ends = crafted.ends_of(1, 443)

    assert len(frames) == played.file.packets
    assert sum(len(frame.data) for frame in frames) == played.file.bytes
    assert (None, None) == (played.file.note, played.file.error)
    (record,) = played.records
    assert (ends, 0x0800, 6, 20, None) == (
        record.flow.ends,
        record.flow.ethertype,
        record.flow.ip_protocol,
        record.flow.vlan,
        record.flow.outer,
    )
    assert START_NS == record.flow.first_ns
    assert (crafted.NAME,) == record.hostnames
    assert named(crafted.NAME, Evidence.SNI, "tls", "vlan 20") == record.flow_class
    assert {("tls", "read"): 1} == played.snapshot.handshakes
    assert frames[-1].time_ns == played.snapshot.time_ns


# A later fragment that comes before its first one has no ports: it is a flow by itself (gate_flow.h).
FRAGMENTS_REVERSED = frozenset({"quic-fragments-reversed", "dns-fragments-reversed"})


@pytest.mark.parametrize("case", CASES)
def test_flows_of_crafted_cases(case: str, tmp_path: Path) -> None:
    """Each corner case is one flow, or two where its ends are used twice, with every frame of it."""
    played = play_frames(tmp_path, CASES[case](), PLAIN)

    assert (2 if case == "port-reused" or case in FRAGMENTS_REVERSED else 1) == len(played.records)
    assert 0 == played.snapshot.gate.undecodable_packets


NAMELESS = frozenset(
    {
        *("tls-met-after-hello", "snapped"),  # the name is not in the capture
        *("http-late-host", "http-host-in-body"),  # it is, where it must not be looked for
        "quic-fragments-reversed",
        *("ssh", "ftp", "smb", "bittorrent", "bittorrent-dht", "bittorrent-utp", "ntp", "stun", "wireguard"),
        *("unknown-udp", "unknown-tcp", "banner-out-of-order"),
    }
)


@pytest.mark.parametrize("case", CASES)
def test_names_of_crafted_cases(case: str, tmp_path: Path) -> None:
    """However a ClientHello, a request or a message is cut, ordered and wrapped: where there is a name it is found."""
    played = play_frames(tmp_path, CASES[case](), PLAIN)

    assert (set() if case in NAMELESS else {crafted.NAME}) == played.hostnames


@pytest.mark.parametrize("ipv6", [False, True])
@pytest.mark.parametrize("name", envelopes.ENVELOPES)
def test_envelopes(name: str, ipv6: bool, tmp_path: Path) -> None:
    """Inside tags and tunnels a flow is the same flow; the bytes of its envelope are counted with it."""
    frames = envelopes.enclosed(crafted.tls(1, ipv6=ipv6), envelopes.ENVELOPES[name])
    played = play_frames(tmp_path, frames, PLAIN)

    (record,) = played.records
    assert (crafted.ends_of(1, 443, ipv6=ipv6), (crafted.NAME,)) == (record.flow.ends, record.hostnames)
    assert (len(frames), sum(len(frame.data) for frame in frames)) == (sum(record.packets), sum(record.bytes))


@pytest.mark.parametrize("link", envelopes.LINKS)
def test_link_types(link: int, tmp_path: Path) -> None:
    """Whatever a capture's frames begin with, the flow is found."""
    frames = envelopes.enclosed(crafted.tls(1), envelopes.LINKS[link])
    played = play_frames(tmp_path, frames, PLAIN, link=link)

    (record,) = played.records
    assert (crafted.ends_of(1, 443), (crafted.NAME,)) == (record.flow.ends, record.hostnames)


def test_a_link_type_that_nobody_knows(tmp_path: Path) -> None:
    """Such frames are counted as undecodable, to the byte."""
    frames = crafted.tls(1)
    played = play_frames(tmp_path, frames, PLAIN, link=147)

    gate = played.snapshot.gate
    assert (len(frames), sum(len(frame.data) for frame in frames)) == (gate.undecodable_packets, gate.undecodable_bytes)
    assert () == played.records


def test_pcapng_is_the_same(tmp_path: Path) -> None:
    """The format of the file changes nothing but the clock's resolution."""
    frames = [frame for case in ("tls", "quic", "dns-https", "http") for frame in CASES[case]()]
    first, second = (play(written(tmp_path, frames, name), PLAIN) for name in ("a.pcap", "a.pcapng"))

    assert first.snapshot.gate == second.snapshot.gate
    assert first.snapshot.classes == second.snapshot.classes
    assert [record.flow._replace(first_ns=0) for record in first.records] == [
        record.flow._replace(first_ns=0) for record in second.records
    ]


def test_again_is_the_same(tmp_path: Path) -> None:
    """Two replays of a file agree in every count, name and verdict, although each has a table seeded by chance."""
    day = school_day(seed=11, flows=120, start_ns=START_NS, duration_ns=300 * SECOND_NS)
    path = written(tmp_path, list(day.frames()))

    assert play(path, PLAIN) == play(path, PLAIN)


def test_several_files(tmp_path: Path) -> None:
    """Each file is a tap of its own, so equal flows in two files are two; sums and reports are in order."""
    one = written(tmp_path, crafted.tls(1), "one.pcap")
    two = written(tmp_path, crafted.tls(1) + crafted.http(5), "two.pcapng")
    records: list[tuple[Path, FlowRecord]] = []
    report = replay([one, two], PLAIN, on_flow=lambda path, record: records.append((path, record)))

    assert [one, two] == [file.path for file in report.files]
    assert [one, two, two] == [path for path, _ in records]
    assert report.snapshot.gate.seen_packets == sum(file.packets for file in report.files)
    assert 2 == len(report.snapshot.classes)
    assert 3 == sum(line.counts.flows for line in report.snapshot.classes)
    assert_conserved(report.snapshot, [record for _, record in records])
    assert report.elapsed_s > 0
    assert report.cpu_s >= 0


def test_a_name_learned_in_one_file_stays_there(tmp_path: Path) -> None:
    """One school's address book says nothing of another's flows."""
    dns = written(tmp_path, crafted.dns(45, kind="A"), "dns.pcap")
    ends = crafted.ends_of(45, 443)
    answered = [record for record in play(dns, PLAIN).records if record.flow.ends.client == ends.client]
    assert 1 == len(answered)
    nameless = written(tmp_path, crafted.tls_met_after_hello(45), "flow.pcap")
    records: list[FlowRecord] = []
    replay([dns, nameless], PLAIN, on_flow=lambda _path, record: records.append(record))

    assert [named(None, Evidence.PROTOCOL, "dns"), named(None, Evidence.NONE, "tcp")] == [
        record.flow_class for record in records
    ]


def test_no_files() -> None:
    """Nothing to read is nothing seen."""
    report = replay([], PLAIN)

    assert ((), 0) == (report.files, report.snapshot.gate.seen_packets)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """It is told, and the others are read."""
    there = written(tmp_path, crafted.tls(1))
    report = replay([tmp_path / "absent.pcap", there, tmp_path], PLAIN)

    assert ["No such file or directory", None, "Is a directory"] == [file.error for file in report.files]
    assert report.files[1].packets == report.snapshot.gate.seen_packets > 0


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", None),
        (b"\xd4\xc3\xb2\xa1", "not a pcap or pcapng capture file"),
        (b"GIF89a" * 100, "not a pcap or pcapng capture file"),
        (bytes.fromhex("d4c3b2a1 0900 0400") + bytes(16), "an unknown version of the pcap format"),
        (bytes.fromhex("d4c3b2a1 0200 0400") + bytes(12) + b"\1\0\0\0", None),
        (
            bytes.fromhex("d4c3b2a1 0200 0400") + bytes(12) + b"\1\0\0\0" + b"\xff" * 40,
            "a record's length is impossible",
        ),
    ],
    ids=["empty", "cut header", "no capture", "unknown version", "no frames", "damaged at once"],
)
def test_files_that_hold_nothing(content: bytes, error: str | None, tmp_path: Path) -> None:
    """An empty file and one without frames are fine; what is no capture is refused, and why."""
    path = tmp_path / "odd.pcap"
    path.write_bytes(content)
    played = play(path, PLAIN)

    assert (0, 0, None, error) == (played.file.packets, played.file.bytes, played.file.note, played.file.error)


@pytest.mark.parametrize("suffix", ["pcap", "pcapng"])
def test_cut_anywhere(suffix: str, tmp_path: Path) -> None:
    """A file that ends too early counts every frame before the cut, and says so; a cut between frames is none."""
    frames = crafted.tls(1)[:6]
    whole = written(tmp_path, frames, f"whole.{suffix}").read_bytes()
    path = tmp_path / f"cut.{suffix}"
    told = set()
    for end in [*range(24, 400, 7), *range(400, len(whole), 97), len(whole)]:
        path.write_bytes(whole[:end])
        played = play(path, PLAIN)
        told.add((played.file.note or played.file.error, played.file.packets == len(frames)))
        assert len(frames[: played.file.packets]) == played.file.packets
        assert sum(len(frame.data) for frame in frames[: played.file.packets]) == played.file.bytes

    assert ("the file ends inside a record", False) in told
    assert [(None, True)] == [one for one in told if one[1]]


def test_progress(tmp_path: Path) -> None:
    """Progress never falls, names the file and its size, and ends at its end."""
    path = written(tmp_path, list(school_day(seed=2, flows=150, start_ns=START_NS, duration_ns=1).frames()))
    told: list[tuple[Path, int, int]] = []
    replay([path], PLAIN, on_progress=lambda *what: told.append(what))

    size = path.stat().st_size
    assert {(path, size)} == {(file, total) for file, _, total in told}
    assert sorted(done for _, done, _ in told) == [done for _, done, _ in told]
    assert size == told[-1][1]


def test_a_file_that_is_cut_while_it_is_read(tmp_path: Path) -> None:
    """What was read until then counts, and the report says why there is no more."""
    frames = list(school_day(seed=2, flows=150, start_ns=START_NS, duration_ns=10 * TICK_NS).frames())
    path = written(tmp_path, frames)

    def begin_again(file: Path, done_bytes: int, _total_bytes: int) -> None:
        if done_bytes > PAGE_BYTES:
            os.truncate(file, PAGE_BYTES)

    report = replay([path], PLAIN, on_progress=begin_again)

    assert [(CUT_MEANWHILE, None)] == [(file.note, file.error) for file in report.files]
    assert 0 < report.files[0].packets < len(frames)


def test_a_small_table(tmp_path: Path) -> None:
    """Frames that find no row are untracked; nothing else is lost (play() asserts it)."""
    frames = crafted.tls(1) + crafted.tls(2) + crafted.tls(3)
    played = play_frames(tmp_path, frames, PLAIN, max_flows=2)

    assert len(crafted.tls(3)) == played.snapshot.gate.untracked_packets
    assert 2 == len(played.records)


def test_each_packet_is_judged_by_its_own_bell(tmp_path: Path) -> None:
    """Packets up to the bell's last nanosecond count under the old verdict, and from it on under the new one."""
    bell_ns = (START_NS // TICK_NS + 2) * TICK_NS
    rings = PlainPolicy(lambda _flow_class, now_ns: PROHIBITED if now_ns >= bell_ns else PERMITTED)
    frames = crafted.tls(1)
    early = len(frames) // 2
    times = [bell_ns - TICK_NS] + [bell_ns - early + i for i in range(1, early)]
    times += [bell_ns + i for i in range(len(frames) - early)]
    played = play_frames(
        tmp_path, [frame._replace(time_ns=time) for frame, time in zip(frames, times, strict=True)], rings
    )

    assert {PERMITTED: early, PROHIBITED: len(frames) - early} == {
        line.verdict: line.counts.packets for line in played.snapshot.classes
    }
    assert {("permitted", PERMITTED): 1} == played.snapshot.rule_matches


def test_a_long_silence_before_the_bell(tmp_path: Path) -> None:
    """What was sent in the morning is judged by the morning, though the next frame comes hours later."""
    noon_ns = START_NS + 3600 * SECOND_NS
    rings = PlainPolicy(lambda _flow_class, now_ns: PROHIBITED if now_ns >= noon_ns else PERMITTED)
    frames = at(crafted.tls(1), START_NS) + at(crafted.tls(2), noon_ns + 4 * 3600 * SECOND_NS)
    played = play_frames(tmp_path, frames, rings)

    assert {PERMITTED: 1, PROHIBITED: 1} == {line.verdict: line.counts.flows for line in played.snapshot.classes}


def test_time_that_runs_backwards(tmp_path: Path) -> None:
    """Frames out of order in time are counted like all others, and time never runs back for the report."""
    frames = crafted.tls(1)
    turned = [frame._replace(time_ns=START_NS + 3600 * SECOND_NS - i * SECOND_NS) for i, frame in enumerate(frames)]
    played = play_frames(tmp_path, turned, PLAIN)

    assert START_NS + 3600 * SECOND_NS == played.snapshot.time_ns
    assert (crafted.NAME,) == played.records[0].hostnames


@pytest.mark.parametrize("time_ns", [0, 1, 2**32 * SECOND_NS - 1])
def test_times_at_the_ends_of_the_clock(time_ns: int, tmp_path: Path) -> None:
    """The first and the last time that a pcap file can hold are times like others."""
    frames = [frame._replace(time_ns=time_ns) for frame in crafted.tls(1)]

    assert {crafted.NAME} == play_frames(tmp_path, frames, PLAIN).hostnames


def test_nothing_is_opened_on_purpose(tmp_path: Path) -> None:
    """widen_bytes opens beyond the windows, as the canary test needs it; without it there is no such thing."""
    path = written(tmp_path, crafted.tls(1) + crafted.CASES["unknown-tcp"]())
    narrow, wide = (play(path, PLAIN, widen_bytes=widen).snapshot.opened_bytes for widen in (0, 500))

    assert 128 == narrow["banner"]
    assert wide["banner"] > narrow["banner"]


def test_what_is_unknown_is_told_so(tmp_path: Path) -> None:
    """A flow that nothing is known of is counted as unknown, by its transport."""
    played = play_frames(tmp_path, CASES["unknown-tcp"](), PLAIN)

    assert [(UNKNOWN, "tcp", Evidence.NONE)] == [
        (line.flow_class.application, line.flow_class.protocol, line.flow_class.evidence)
        for line in played.snapshot.classes
    ]


def test_a_look_up_that_nobody_answered(tmp_path: Path) -> None:
    """Without flow records no query is opened; the flow is DNS all the same, by what the gate saw of it."""
    path = tmp_path / "unanswered.pcap"
    write_pcap(path, crafted.dns()[:1])
    snapshot = replay([path], shipped_policy()).snapshot

    assert {} == {what: count for what, count in snapshot.opened_bytes.items() if count}
    assert [("dns", "infrastructure", "protocol")] == [
        (line.flow_class.application, line.flow_class.category, line.flow_class.evidence) for line in snapshot.classes
    ]
