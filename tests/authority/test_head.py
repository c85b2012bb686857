"""The head of a log."""

import stat
from pathlib import Path

import pytest

from agent.authority.chain import Link
from agent.authority.head import HEAD, MAX_HEAD_BYTES, Head, HeadError, link_of, read_head, write_head


def test_there_and_back(tmp_path: Path) -> None:
    """The last head that was written is read; nobody else can read the file; nothing else is left behind."""
    assert read_head(tmp_path) is None
    for sequence in (7, 8):
        write_head(tmp_path, Head(3, Link(sequence, "a" * 64)))

    assert Head(3, Link(8, "a" * 64)) == read_head(tmp_path)
    assert [HEAD] == [path.name for path in tmp_path.iterdir()]
    assert 0o600 == stat.S_IMODE((tmp_path / HEAD).stat().st_mode)


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    """A link that lies where the head is put together is taken away, and what it leads to stays as it was."""
    log, precious = tmp_path / "log", tmp_path / "precious"
    log.mkdir()
    precious.write_text("precious", encoding="utf-8")
    for name in (f".{HEAD}", HEAD):
        (log / name).symlink_to(precious)
    write_head(log, Head(1, Link(2, "a" * 64)))

    assert Head(1, Link(2, "a" * 64)) == read_head(log)
    assert "precious" == precious.read_text(encoding="utf-8")
    assert [HEAD] == [path.name for path in log.iterdir()]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b'{"first": 1, "sequence": 2}',
        b'{"first": "1", "sequence": 2, "hash": "x"}',
        b"[" * MAX_HEAD_BYTES,
        b"\xff",
    ],
)
def test_noise(tmp_path: Path, data: bytes) -> None:
    """What is no head is an error of its own, not the absence of one."""
    (tmp_path / HEAD).write_bytes(data)
    with pytest.raises(HeadError):
        read_head(tmp_path)


def test_as_people_write_it() -> None:
    """SEQUENCE:HASH is read; anything else is refused."""
    assert Link(12, "b" * 64) == link_of(f"12:{'b' * 64}")
    for text in ("", "12", "12:", f":{'b' * 64}", f"-1:{'b' * 64}", f"12:{'B' * 64}", f"{'9' * 30}:{'b' * 64}"):
        with pytest.raises(ValueError, match="SEQUENCE:HASH"):
            link_of(text)
