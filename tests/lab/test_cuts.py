"""Cutting bytes into pieces."""

from hypothesis import given
from hypothesis import strategies as st

from agent.lab.cuts import pieces


@given(st.binary(max_size=50), st.lists(st.integers(-10, 60)))
def test_pieces_are_the_whole(data: bytes, cuts: list[int]) -> None:
    """Pieces are not empty, follow each other without a gap, and begin wherever a cut lies within the data."""
    made = pieces(data, cuts)
    assert data == b"".join(piece for _, piece in made)
    assert all(piece == data[offset : offset + len(piece)] and piece for offset, piece in made)
    wanted = {cut for cut in cuts if 0 < cut < len(data)} | ({0} if data else set())
    assert wanted == {offset for offset, _ in made}
