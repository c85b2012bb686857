"""Words of an authorisation."""

from agent.authority.authorisation import GROUND_TEXTS, Ground


def test_every_ground_is_explained() -> None:
    """Each ground has its text, which names the section that it is from."""
    assert set(Ground) == set(GROUND_TEXTS)
    assert [] == [text for text in GROUND_TEXTS.values() if "31-40x" not in text and "31-48d" not in text]
