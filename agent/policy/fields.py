"""A table of a rule file -> its values by key, each missing, misspelt or wrong one a problem."""

import re
from collections.abc import Collection, Sequence
from datetime import date

from agent.policy.document import Listing, Node, Table, Text
from agent.policy.problems import Mark, Problems, did_you_mean, listed, shown

max_text_characters = 1_000
"""A sentence or two of policy; more belongs into the policy itself."""

max_identifier_characters = 64
"""Identifiers become label values of metrics, which every scrape repeats."""

_identifier = re.compile(r"[a-z0-9][a-z0-9_-]*")


class Fields:
    """One table being read. Unknown and missing keys are noted when it is made."""

    __slots__ = ("_entries", "mark", "problems", "what")

    def __init__(
        self, node: Node, what: str, problems: Problems, *, required: Sequence[str] = (), optional: Sequence[str] = ()
    ) -> None:
        """Check that `node` is a table with all `required` keys and none but those and the `optional` ones.

        Args:
            node: The value from the file.
            what: What the table is, for messages: "segment", "rule", ...
            problems: Gets everything that is wrong, now and by the methods below.
            required: Keys that must be there.
            optional: Keys that may be there.
        """
        self.mark: Mark = node.mark
        self.what = what
        self.problems = problems
        self._entries: dict[str, tuple[Mark, Node]] = {}
        allowed = [*required, *optional]
        if not isinstance(node, Table):
            problems.add(
                node.mark, f"this {what} is {_kind(node)}", f'write "key: value" lines; keys: {listed(allowed)}'
            )
            return
        for key, (mark, value) in node.entries.items():
            if key in allowed:
                self._entries[key] = (mark, value)
            else:
                problems.add(mark, f"{shown(key)} is no key of this {what}", did_you_mean(key, allowed))
        for key in required:
            if key not in self._entries:
                problems.add(node.mark, f'this {what} has no "{key}"', f'add "{key}:"')

    def __contains__(self, key: str) -> bool:
        return key in self._entries

    def mark_of(self, key: str) -> Mark:
        """Where the key stands, or the table when it is absent."""
        return self._entries[key][0] if key in self._entries else self.mark

    def node(self, key: str) -> Node | None:
        """The value as it stands, or None when the key is absent."""
        return self._entries[key][1] if key in self._entries else None

    def text(self, key: str) -> Text | None:
        """A single, non-empty text; None when absent or wrong."""
        node = self.node(key)
        return None if node is None else self._checked_text(key, node)

    def string(self, key: str) -> str:
        """As `text`, without its mark; "" when absent or wrong."""
        text = self.text(key)
        return text.text if text else ""

    def texts(self, key: str) -> tuple[Text, ...]:
        """A list of texts, where a single text is a list of one; () when absent or wrong."""
        node = self.node(key)
        if node is None:
            return ()
        items = node.items if isinstance(node, Listing) else (node,)
        if not items:
            self.problems.add(node.mark, f'"{key}" is an empty list', "name at least one, or leave the key out")
        return tuple(text for item in items if (text := self._checked_text(key, item)))

    def choice(self, key: str, allowed: Collection[str]) -> str | None:
        """A text that is one of `allowed`; None when absent or wrong."""
        text = self.text(key)
        return None if text is None else one_of(text, f'"{key}"', allowed, self.problems)

    def choices(self, key: str, allowed: Collection[str] | None, what: str) -> frozenset[str] | None:
        """A list of texts that are all among `allowed`; None when the key is absent. Wrong ones are left out.

        `allowed` is None where nobody can say, because the file with these words could not be read.
        """
        if key not in self._entries:
            return None
        texts = self.texts(key)
        if allowed is None:
            return frozenset(text.text for text in texts)
        return frozenset(word for text in texts if (word := one_of(text, what, allowed, self.problems)) is not None)

    def identifier(self, key: str) -> str | None:
        """A text in the form of an identifier; None when absent or wrong."""
        text = self.text(key)
        return None if text is None else identifier(text.text, text.mark, self.problems)

    def items(self, key: str) -> tuple[Node, ...]:
        """The members of a list; () when absent or wrong."""
        node = self.node(key)
        if node is None:
            return ()
        if not isinstance(node, Listing):
            remedy = 'begin each member with "- "'
            self.problems.add(node.mark, f'"{key}" holds {_kind(node)} where a list belongs', remedy)
            return ()
        return node.items

    def entries(self, key: str) -> tuple[tuple[str, Mark, Node], ...]:
        """The members of a table: key, its place, value; () when absent or wrong."""
        node = self.node(key)
        if node is None:
            return ()
        if not isinstance(node, Table):
            remedy = 'write one "name:" a line'
            self.problems.add(node.mark, f'"{key}" holds {_kind(node)} where named entries belong', remedy)
            return ()
        return tuple((name, mark, value) for name, (mark, value) in node.entries.items())

    def _checked_text(self, key: str, node: Node) -> Text | None:
        if not isinstance(node, Text):
            self.problems.add(node.mark, f'"{key}" holds {_kind(node)} where plain text belongs', "write one value")
            return None
        text = node.text.strip()
        if not text:
            self.problems.add(node.mark, f'"{key}" is empty', "give it a value, or leave the key out")
            return None
        if len(node.text) > max_text_characters:
            what = f'"{key}" is longer than {max_text_characters} characters'
            self.problems.add(node.mark, what, "shorten it")
            return None
        return node if text == node.text else Text(text, node.mark)


def one_of(text: Text, what: str, allowed: Collection[str], problems: Problems) -> str | None:
    """The text if it is among `allowed`; else None, and a problem with the nearest word."""
    if text.text in allowed:
        return text.text
    # The nearest of 829 applications takes 2 ms to find: minutes, for a file that holds nothing but wrong ones.
    remedy = "" if problems.is_full else did_you_mean(text.text, allowed)
    problems.add(text.mark, f"{what}: {shown(text.text)} is not known", remedy)
    return None


def identifier(text: str, mark: Mark, problems: Problems) -> str | None:
    """The text if it has the form of an identifier; else None, and a problem."""
    if len(text) <= max_identifier_characters and _identifier.fullmatch(text):
        return text
    remedy = f'lower-case letters, digits, "_" and "-", at most {max_identifier_characters}, such as "school_hours"'
    problems.add(mark, f"{shown(text)} is no identifier", remedy)
    return None


def iso_date(text: Text, problems: Problems) -> date | None:
    """The day in `text`; None, and a problem, when it is none."""
    try:
        return date.fromisoformat(text.text)
    except ValueError:
        problems.add(text.mark, f"{shown(text.text)} is no date", "year-month-day, such as 2026-11-26")
        return None


def _kind(node: Node) -> str:
    if isinstance(node, Table):
        return "a table"
    if isinstance(node, Listing):
        return "a list"
    return "plain text" if node.text else "nothing"
