"""Names and categories that two programs found -> the table beside the truth."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from agent.lab.__main__ import main as lab
from bench.names_vs_nfstream import ROOT, Found, found_by_hallwatch, named_table, truth_table
from bench.truth import Key, Shown, key_of, read_truth, truth_beside

CAPTURE = Path("day.pcap")


def key(number: int) -> Key:
    """Returns the key of a flow of its own."""
    return key_of(6, "10.0.0.1", number, "192.0.2.1", 443)


def shown(number: int, place: str, name: str, category: str, service: str = "", *, popular: bool = True) -> Shown:
    """Returns a flow as the truth tells of it."""
    return Shown(key(number), place, name, category, service, popular)


def rows(text: str) -> dict[str, list[str]]:
    """Returns the cells behind the title of each row."""
    cells = ([cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|")
    return {first: rest for first, *rest in cells}


def test_names() -> None:
    """A name counts as found if it is among what was said of its flow; any other name there is told as wrong."""
    truth = [shown(1, "tls-sni", "a.example", "news"), shown(2, "http-host", "b.example", "news")]
    truth += [shown(3, "http-host", "c.example", "news")]
    one, other = Found("one"), Found("other")
    one.add(key(1), ["A.Example."], "")
    one.add(key(2), ["b.example:8080", "else.example"], "")
    other.add(key(2), ["else.example"], "")
    other.add(key(3), [], "")
    table = rows(truth_table(CAPTURE, truth, [one, other]))

    assert table["names"] == ["flows", "one", "other"]
    assert table["ClientHello over TCP, name in the first segment"] == ["1", "100%", "0%"]
    assert table["Host line of HTTP"] == ["2", "50.00%", "0%"]
    assert table["all of them"] == ["3", "66.66%", "0%"]
    assert table["given a name that they do not show"] == ["", "1", "1"]


def test_categories() -> None:
    """Right is what either program's word for the category says; what is called so and is not so costs precision."""
    truth = [shown(1, "quic", "a.example", "social"), shown(2, "quic", "b.example", "social_networking", popular=False)]
    truth += [shown(3, "quic", "c.example", "genai"), shown(4, "quic", "d.example", "news")]
    one, other = Found("one"), Found("other")
    for number, category in enumerate(["social_networking", "news", "generative_ai", "social_networking"], 1):
        one.add(key(number), [], category)
    for number, category in enumerate(["SocialNetwork", "SocialNetwork", "Web", "Web"], 1):
        other.add(key(number), [], category)
    table = rows(truth_table(CAPTURE, truth, [one, other]))

    assert table["social networking, popular hosts: found"] == ["1", "100%", "100%"]
    assert table["social networking, all hosts: found"] == ["2", "50.00%", "100%"]
    assert table["social networking: of what is called so, is so"] == ["", "50.00%", "100%"]
    assert table["generative AI, all hosts: found"] == ["1", "100%", "0%"]
    assert table["generative AI: of what is called so, is so"] == ["", "100%", "–"]
    assert "file sharing, all hosts: found" not in table


@pytest.mark.parametrize(("category", "found"), [("Media", "100%"), ("SocialNetwork", "100%"), ("Web", "0%")])
def test_youtube_is_social_or_video(category: str, found: str) -> None:
    """YouTube is social networking by the districts' regulations and video to others: either is right, and no false claim."""
    peer = Found("peer")
    peer.add(key(1), [], category)
    table = rows(truth_table(CAPTURE, [shown(1, "quic", "a.example", "video", "youtube")], [peer]))

    assert table["social networking, all hosts: found"] == ["1", found]
    assert table["social networking: of what is called so, is so"] == ["", "100%" if category[0] == "S" else "–"]


def test_a_wider_claim_is_right_but_not_precise() -> None:
    """nfstream's Cloud and Download hold file hosts and much else: they find, and nothing is said of their precision."""
    peer = Found("peer")
    peer.add(key(1), [], "Cloud")
    peer.add(key(2), [], "Download")
    truth = [shown(1, "quic", "a.example", "file-sharing"), shown(2, "quic", "b.example", "news")]
    table = rows(truth_table(CAPTURE, truth, [peer]))

    assert table["file sharing, all hosts: found"] == ["1", "100%"]
    assert table["file sharing: of what is called so, is so"] == ["", "–"]


def test_a_day_of_the_lab(tmp_path: Path) -> None:
    """Of a capture whose truth is beside it, our own program finds every name, as its tests say by other ways too."""
    capture = tmp_path / "day.pcap"
    assert lab([str(capture), "--flows", "150", "--truth", str(truth_beside(capture))]) == 0
    flows, ours = read_truth(truth_beside(capture)), found_by_hallwatch(capture)
    table = rows(truth_table(capture, flows, [ours]))

    assert table["all of them"] == [f"{len(flows):,}", "100%"]
    assert table["given a name that they do not show"] == ["", "0"]
    assert table["social networking, all hosts: found"][1] == "100%"
    assert rows(named_table(capture, [ours]))[ours.title] == [f"{ours.flows:,}", f"{ours.named:,}"]
    assert len(flows) <= ours.named < ours.flows


def test_no_capture(tmp_path: Path) -> None:
    """A file that our program cannot read ends the comparison, and does not count as a capture without names."""
    with pytest.raises(SystemExit, match=r"could not read .*none\.pcap"):
        found_by_hallwatch(tmp_path / "none.pcap")


@pytest.mark.skipif(find_spec("nfstream") is None, reason="nfstream is not installed here (`make bench` installs it)")
def test_beside_nfstream(tmp_path: Path) -> None:
    """The whole comparison, with the peer: its table goes between its marks, and both found names."""
    capture, document = tmp_path / "day.pcap", tmp_path / "document.md"
    assert lab([str(capture), "--flows", "150", "--truth", str(truth_beside(capture))]) == 0
    document.write_text("<!-- names: begin --><!-- names: end -->", encoding="utf-8")
    command = [sys.executable, "-m", "bench.names_vs_nfstream", str(capture), "--write", str(document)]
    subprocess.run(command, cwd=ROOT, check=True, timeout=100)
    _, *found = rows(document.read_text(encoding="utf-8"))["ClientHello over QUIC"]

    assert len(found) == 2
    assert "0%" not in found
