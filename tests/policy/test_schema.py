"""JSON Schemas for editors: the shipped files are right by them, and they refuse what the readers refuse."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from agent.policy.accounts_file import read_accounts
from agent.policy.catalogue_file import read_catalogue
from agent.policy.document import parse
from agent.policy.extending import read_rules
from agent.policy.problems import Problems
from agent.policy.rules_file import Vocabulary
from agent.policy.schedules_file import read_schedules
from agent.policy.schema import schemas
from agent.policy.segments_file import read_segments

RULES = Path(__file__).parent.parent.parent / "rules"
KINDS = ("rules", "segments", "schedules", "accounts", "catalogue")

SAMPLES = {
    "rules": """\
extends: districts/wethersfield.yaml
district: Newtown
policy: {number: 4118, title: T, source: S, adopted: 2026-01-02, effective: 2026-01-03, revised: [2026-01-04]}
clauses:
  - {id: n-4118/use/1, number: First, paraphrase: P, rules: [a], not_observable: N}
rules:
  - id: a
    who: [staff]
    roles: [student]
    what: {categories: [gaming], applications: [steam], protocols: [tls], accounts: [board], evidence: [sni]}
    when: [school]
    unless: [lunch]
    verdict: incidental
    allowance: {minutes: 30, bytes: 500 MiB}
    clause: n-4118/use/1
    because: B
default: {verdict: prohibited, because: D, clause: n-4118/use/1}
expect:
  - {name: x.com, segment: staff, at: 2026-11-24T10:15, verdict: review, rule: a}
  - {application: steam, role: student, at: 2026-11-24T10:15, verdict: review, rule: a}
""",
    "segments": """\
segments:
  - {id: staff, title: Staff, role: staff, vlans: [10, 20-22], prefixes: [10.10.0.0/16]}
""",
    "schedules": """\
time_zone: America/New_York
holidays:
  - {name: One day, date: 2026-09-07}
  - {name: Several, from: 2026-12-24, to: 2027-01-01}
half_days:
  - {name: Half, date: 2026-11-25}
schedules:
  school:
    title: School
    days: [mon-fri]
    spans: ["07:45-14:50"]
    half_day_spans: ["07:45-11:50"]
    on_holidays: open
""",
    "accounts": """\
unknown_names: open
board_services:
  - service: Workspace
    decided: "Board of Education, 2026-08-18"
    until: 2027-08-31
    applications: [steam]
    domains: [schools.example.org]
    hosts: [mail.example.org]
    prefixes: [192.0.2.0/24]
""",
    "catalogue": """\
category: gaming
title: Games
reviewed: 2026-11-21
applications:
  steam:
    title: Steam
    account: personal
    domains: [steam.example]
    hosts: [www.steam.example]
    protocols: [steamy]
    public_names: [ech.steam.example]
""",
}
"""Every key of every kind of file."""


class _Loader(yaml.SafeLoader):
    """YAML as editors read it (YAML 1.2): numbers are numbers, and dates are text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(("timestamp", "bool"))]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def as_editor(text: str) -> Any:
    return yaml.load(text, _Loader)


def as_text(text: str) -> Any:
    """Every value as text, which is how the readers take it."""
    return yaml.load(text, yaml.BaseLoader)


def by_schema(kind: str, document: Any) -> bool:
    return bool(Draft7Validator(schemas()[kind]).is_valid(document))


def by_reader(kind: str, document: Any) -> bool:
    """Whether the reader finds nothing wrong. Words of other files are not looked for."""
    problems = Problems()
    node = parse(yaml.dump(document, sort_keys=False).encode(), f"{kind}.yaml", problems)
    assert node is not None
    match kind:
        case "rules":
            # None stands for the file that is extended, which a schema does not see.
            read_rules([node, None] if "extends" in document else [node], Vocabulary(None, None, None), problems)
        case "segments":
            read_segments(node, problems)
        case "schedules":
            read_schedules(node, problems)
        case "accounts":
            read_accounts(node, None, problems)
        case "catalogue":
            read_catalogue([node], problems)
    return len(problems) == 0


def kind_of(path: Path) -> str:
    if path.parent.name == "catalogue":
        return "catalogue"
    return path.stem if path.stem in KINDS else "rules"


SHIPPED = [
    *sorted(RULES.glob("catalogue/*.yaml")),
    *sorted(RULES.glob("districts/*.yaml")),
    *(RULES / f"{name}.yaml" for name in ("rules", "students", "segments", "schedules", "accounts")),
]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_files_are_right_by_their_schema(path: Path) -> None:
    """An editor finds nothing to underline in what is shipped, however it reads numbers."""
    text = path.read_text(encoding="utf-8")
    validator = Draft7Validator(schemas()[kind_of(path)])

    assert [] == [error.message for error in validator.iter_errors(as_editor(text))]
    assert [] == [error.message for error in validator.iter_errors(as_text(text))]


@pytest.mark.parametrize("kind", KINDS)
def test_the_files_for_editors_are_up_to_date(kind: str, request: pytest.FixtureRequest) -> None:
    """rules/schema/ holds what the code says; --update-golden writes it anew."""
    Draft7Validator.check_schema(schemas()[kind])
    path = RULES / "schema" / f"{kind}.json"
    made = json.dumps(schemas()[kind], indent=2) + "\n"
    if request.config.getoption("--update-golden"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(made, encoding="utf-8")

    assert made == path.read_text(encoding="utf-8")


def tables(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yields the place of every table in a document."""
    if isinstance(node, dict):
        yield path
        for key, value in node.items():
            yield from tables(value, (*path, key))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from tables(value, (*path, index))


def at(node: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        node = node[step]
    return node


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_is_known_to_both(kind: str) -> None:
    """A file that uses every key is right, and the schema has no key that the file lacks."""
    document = as_text(SAMPLES[kind])

    assert (True, True) == (by_schema(kind, document), by_reader(kind, document))
    assert by_schema(kind, as_editor(SAMPLES[kind]))
    used = {key for place in tables(document) for key in at(document, place)}
    assert set() == set(_properties(schemas()[kind])) - used


def _properties(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if schema.get("additionalProperties") is False:
            yield from schema["properties"]
        for value in schema.values():
            yield from _properties(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _properties(value)


NAMED_FREELY = {("schedules", ("schedules",)), ("catalogue", ("applications",))}
"""Tables whose keys are the site's own words."""


@pytest.mark.parametrize("kind", KINDS)
def test_unknown_keys_are_refused_by_both(kind: str) -> None:
    """A misspelt key in any table is an error in the editor and in check."""
    sample = as_text(SAMPLES[kind])
    for place in tables(sample):
        if (kind, place) in NAMED_FREELY:
            continue
        document = copy.deepcopy(sample)
        at(document, place)["no_such_key"] = "x"
        assert (False, False) == (by_schema(kind, document), by_reader(kind, document)), place


@pytest.mark.parametrize("kind", KINDS)
def test_missing_keys_are_judged_alike(kind: str) -> None:
    """Whatever key is left out, editor and check agree whether it was needed."""
    sample = as_text(SAMPLES[kind])
    for place in tables(sample):
        for key in at(sample, place):
            document = copy.deepcopy(sample)
            del at(document, place)[key]
            if not at(document, place):
                continue
            assert by_schema(kind, document) == by_reader(kind, document), (*place, key)


@pytest.mark.parametrize(
    ("kind", "place", "value"),
    [
        ("rules", ("rules", 0, "verdict"), "forbidden"),
        ("rules", ("rules", 0, "verdict"), "review"),  # with an allowance
        ("rules", ("rules", 0, "id"), "Not An Id"),
        ("rules", ("rules", 0, "roles"), ["pupil"]),
        ("rules", ("rules", 0, "what", "categories"), ["gamming"]),
        ("rules", ("rules", 0, "what", "accounts"), ["private"]),
        ("rules", ("rules", 0, "what", "evidence"), []),
        ("rules", ("rules", 0, "allowance", "bytes"), "500 miles"),
        ("rules", ("clauses", 0, "id"), "two words"),
        ("rules", ("policy", "adopted"), "last year"),
        ("rules", ("expect", 0, "at"), "teatime"),
        ("rules", ("expect", 0, "segment"), ["staff"]),
        ("segments", ("segments", 0, "role"), "unknown"),
        ("segments", ("segments",), "staff"),
        ("schedules", ("schedules", "school", "days"), ["monday"]),
        ("schedules", ("schedules", "school", "spans"), ["all day"]),
        ("schedules", ("schedules", "school", "on_holidays"), "perhaps"),
        ("accounts", ("unknown_names",), "ajar"),
        ("accounts", ("board_services", 0, "until"), "next year"),
        ("catalogue", ("category",), "games"),
        ("catalogue", ("applications", "steam", "account"), "yes"),
    ],
)
def test_wrong_values_are_refused_by_both(kind: str, place: tuple[Any, ...], value: Any) -> None:
    """A wrong word, form or shape is underlined before it is checked."""
    document = as_text(SAMPLES[kind])
    at(document, place[:-1])[place[-1]] = value

    assert (False, False) == (by_schema(kind, document), by_reader(kind, document))
