"""The search finds marks, whole and half, wherever they are, and says where it did not look."""

from pathlib import Path

import pytest

from agent.lab.canary import CANARY_BYTES, canary, filled
from agent.selftest import memory
from agent.selftest.search import Found, search
from tests.selftest.another import another

MARKED = frozenset({7, 0xABCDEF})
# The process puts its mark together itself: its command line and its code must not hold what is searched for.
MADE = "mark = ('HW-C' + 'ANARY-').encode() + b'%06x' % int(sys.argv[1])\n"


@pytest.mark.usefixtures("root")
def test_nothing_is_found_where_nothing_is() -> None:
    """A process that has no mark is searched as a whole, and nothing is found in it."""
    with another("") as pid:
        found = search(pid, MARKED)

    assert (frozenset(), 0, 0, {}) == (found.flows, found.whole, found.halves, found.places)
    assert found.searched_bytes > 5 << 20  # no Python is smaller
    assert found.searched_mappings > 10
    assert {} == found.unread
    assert all(name.startswith("[v") for name in found.left_out)


@pytest.mark.parametrize(
    "where",
    [
        pytest.param("kept = bytearray(mark)", id="heap"),
        pytest.param("kept = [bytes(5 << 20) + mark]", id="far into a large piece"),
        pytest.param(
            "import mmap; kept = mmap.mmap(-1, 4096, mmap.MAP_PRIVATE); kept[4080:4096] = mark",
            id="last bytes of a mapping",
        ),
    ],
)
@pytest.mark.usefixtures("root")
def test_a_whole_mark_is_found(where: str) -> None:
    """A mark is found wherever it is, and its flow is told; both of its halves count."""
    with another(f"{MADE}{where}", "7") as pid:
        found = search(pid, MARKED)

    assert {7} == found.flows
    assert found.whole >= 1
    assert found.halves >= 2 * found.whole
    assert found.halves == sum(found.places.values())


@pytest.mark.usefixtures("root")
def test_halves_are_found() -> None:
    """A first half alone is found, and so is a second, which tells its flow."""
    with another(f"{MADE}kept = bytearray(mark[:8]); del mark", "7") as pid:
        first = search(pid, frozenset({9}))
    with another(f"{MADE}kept = bytearray(mark[8:]); del mark", "7") as pid:
        second = search(pid, MARKED)

    assert first.halves > 0
    assert frozenset() == first.flows
    assert second.halves > 0
    assert {7} == second.flows


@pytest.mark.usefixtures("root")
def test_a_mark_across_chunks_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However the memory is cut for reading, whole marks and halves are counted once each."""
    code = f"{MADE}import mmap; kept = mmap.mmap(-1, 65536, mmap.MAP_PRIVATE); kept[:16 * 1000] = mark * 1000"
    counts = set()
    with another(code, "7") as pid:
        for size in (4 << 20, 4096 - 3, 64 + 1):
            monkeypatch.setattr(memory, "CHUNK_BYTES", size)
            found = search(pid, MARKED, leave_out=bool)
            counts.add((found.whole, found.halves))

    assert 1 == len(counts)
    assert counts.pop() >= (1000, 2000)


@pytest.mark.usefixtures("root")
def test_digits_of_no_flow_are_no_mark() -> None:
    """Two letters and six digits that no flow has are chance."""
    code = "kept = [bytearray(b'Y-' + digits.encode()) for digits in sys.argv[1:]]"
    with another(code, "000008", "fffffg", "0000") as pid:
        found = search(pid, MARKED)

    assert (frozenset(), 0) == (found.flows, found.halves)


@pytest.mark.usefixtures("root")
def test_what_is_left_out_is_said(tmp_path: Path) -> None:
    """A mapping that is left out is not searched, and its name and size are told; otherwise it is searched."""
    path = tmp_path / "marked"
    path.write_bytes(filled(7, 8192))
    code = (
        "import mmap; file = open(sys.argv[1], 'rb'); kept = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ); kept[0]"
    )
    with another(code, str(path)) as pid:
        searched = search(pid, MARKED)
        left_out = search(pid, MARKED, leave_out=lambda name: name == str(path))

    assert {7} == searched.flows
    assert {str(path): 2 * 8192 // CANARY_BYTES} == searched.places
    assert (frozenset(), 0) == (left_out.flows, left_out.halves)
    assert 8192 == left_out.left_out[str(path)]


@pytest.mark.usefixtures("root")
def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    """A mapping that should be searched and cannot be read is told, never passed over."""
    path = tmp_path / "cut"
    path.write_bytes(bytes(8192))
    code = (
        "import mmap, os; file = open(sys.argv[1], 'r+b'); kept = mmap.mmap(file.fileno(), 0)\n"
        "os.truncate(sys.argv[1], 0)"
    )
    with another(code, str(path)) as pid:
        found = search(pid, MARKED)

    assert {str(path): 8192} == found.unread


def test_bytes_count_by_halves() -> None:
    """Two halves are a mark of 16 bytes."""
    assert CANARY_BYTES == Found(frozenset({1}), whole=1, halves=2).bytes
    assert len(canary(1)) == CANARY_BYTES
