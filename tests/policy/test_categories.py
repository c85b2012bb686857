"""Categories: the words are labels, the README explains each, and what is in no catalogue is none of them."""

from pathlib import Path

import pytest

from agent.policy.categories import categories, unclassified

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize("category", sorted(categories))
def test_each_category_is_explained(category: str) -> None:
    """A sysadmin finds every category in the README, and its name is fit for a label."""
    readme = (ROOT / "rules" / "README.md").read_text(encoding="utf-8")

    assert category.replace("_", "").isalpha()
    assert f"| `{category}` |" in readme


def test_unclassified_is_no_category() -> None:
    """No file can claim to describe what is in no file."""
    assert unclassified not in categories
