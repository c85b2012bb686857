"""The command: a capture and its truth, or a plain error."""

import json
from pathlib import Path

import dpkt
import pytest

from agent.lab.__main__ import main


def test_it_writes_a_capture_and_its_truth(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As many frames as the truth counts; addresses are text, and evidence is a word."""
    out, truth = tmp_path / "day.pcap", tmp_path / "day.json"
    assert 0 == main([str(out), "--flows", "20", "--seed", "5", "--truth", str(truth)])
    with out.open("rb") as file:
        frames = list(dpkt.pcap.Reader(file))
    flows = json.loads(truth.read_text("utf-8"))
    assert len(frames) == sum(sum(flow["packets"]) for flow in flows)
    assert {"tls"} <= {flow["protocol"] for flow in flows}
    assert all(flow["client"] is None or flow["client"][:3] in ("10.", "fd4") for flow in flows)
    assert f"{len(frames):,} frames" in capsys.readouterr().err


def test_the_same_arguments_give_the_same_file(tmp_path: Path) -> None:
    """Byte for byte; the suffix decides between pcap and pcapng."""
    files = [tmp_path / name for name in ("a.pcap", "b.pcap", "c.pcapng")]
    for path in files:
        assert 0 == main([str(path), "--flows", "10"])
    assert files[0].read_bytes() == files[1].read_bytes()
    assert b"\x0a\x0d\x0d\x0a" == files[2].read_bytes()[:4]


def test_a_place_that_cannot_be_written_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The message names the file; the status is 1, and there is no traceback."""
    assert 1 == main([str(tmp_path / "absent" / "day.pcap"), "--flows", "1"])
    assert "cannot write" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", [["--flows", "0"], ["--duration", "-1"], ["--duration", "inf"], ["--seed", "x"], []])
def test_wrong_arguments_are_refused(tmp_path: Path, wrong: list[str]) -> None:
    """argparse says what is wrong, with status 2."""
    arguments = [str(tmp_path / "day.pcap"), *wrong] if wrong else []
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert 2 == stopped.value.code


def test_help_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    """--help shows how it is used, and ends well."""
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])
    assert 0 == stopped.value.code
    assert "python -m agent.lab day.pcap --flows 5000 --truth day.json" in capsys.readouterr().out
