"""The words of the rule language -> JSON Schemas, by which an editor completes and checks rule files while they are written.

A schema knows keys, forms and fixed words. What only all files together can tell (whether a segment, a schedule or an
application exists) is for `hallwatch check`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from agent.flow import Account, Evidence
from agent.policy.allowance_rules import units
from agent.policy.catalogue import Accounts
from agent.policy.categories import categories, unclassified
from agent.policy.fields import max_identifier_characters, max_text_characters
from agent.policy.rules_file import verdicts_that_need_a_clause
from agent.policy.schedules_file import day_names
from agent.policy.segments import Role
from agent.verdict import Verdict

Schema = dict[str, object]

# An editor takes 4350 for a number where the reader takes it for text; both are right.
_text: Final[Schema] = {"type": ["string", "number"], "maxLength": max_text_characters}
_date: Final[Schema] = {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}
_identifier: Final[Schema] = {
    "type": ["string", "number"],
    "pattern": "^[a-z0-9][a-z0-9_-]*$",
    "maxLength": max_identifier_characters,
}
_span: Final[Schema] = {"type": "string", "pattern": "^[0-9]{1,2}:[0-9]{2} *- *[0-9]{1,2}:[0-9]{2}$"}
_days: Final[Schema] = {"type": "string", "pattern": f"^({'|'.join(day_names)})( *- *({'|'.join(day_names)}))?$"}


def schemas() -> Mapping[str, Schema]:
    """Name of a schema -> the schema of that kind of file: rules, segments, schedules, accounts, catalogue."""
    return {
        "rules": _document("Rules, and a district's pack", _rules_file()),
        "segments": _document("Segments: who", _segments_file()),
        "schedules": _document("Schedules: when", _schedules_file()),
        "accounts": _document("Accounts: what the board provides", _accounts_file()),
        "catalogue": _document("Catalogue: what", _catalogue_file()),
    }


def _document(title: str, root: Schema) -> Schema:
    # Draft 7 is the latest that editors' YAML plugins read without a word.
    return {"$schema": "http://json-schema.org/draft-07/schema#", "title": f"Hallwatch: {title}", **root}


def _table(properties: Mapping[str, Schema], required: Sequence[str] = (), **further: object) -> Schema:
    made: Schema = {"type": "object", "additionalProperties": False, "properties": dict(properties)}
    return made | ({"required": list(required)} if required else {}) | further


def _said(schema: Schema, description: str) -> Schema:
    return {**schema, "description": description}


def _choice(words: Iterable[str]) -> Schema:
    return {"enum": sorted(words)}


def _some(one: Schema) -> Schema:
    """One of them, or a list of at least one."""
    return {"anyOf": [one, {"type": "array", "items": one, "minItems": 1}]}


def _list(one: Schema) -> Schema:
    return {"type": "array", "items": one}


def _any_key(*keys: str) -> list[Schema]:
    return [{"required": [key]} for key in keys]


def _rules_file() -> Schema:
    properties = {
        "extends": _said(
            {"type": "string", "pattern": r"^(districts/)?[a-z0-9][a-z0-9_-]*\.yaml$"},
            "Another file of rules in this directory. Its rules come after these; one with the same id is replaced.",
        ),
        "district": _said(_text, "Whose policy this is."),
        "policy": _written_policy(),
        "clauses": _said(_list(_clause()), "The written policy, clause by clause."),
        "rules": _said(_list(_rule()), "Tried in order; the first that fits decides."),
        "default": _default(),
        "expect": _said(_list(_case()), "What hallwatch check holds these rules to."),
    }
    return _table(properties, anyOf=[{"required": ["extends"]}, {"required": ["rules", "default"]}])


def _written_policy() -> Schema:
    properties = {
        "number": _text,
        "title": _text,
        "source": _said(_text, "Where it can be read."),
        "adopted": _date,
        "effective": _date,
        "revised": _some(_date),
    }
    return _table(properties, ["number", "title", "source"])


def _clause() -> Schema:
    properties = {
        "id": _said(
            {"type": ["string", "number"], "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9._-]+)*$"},
            "How rules name it, such as newtown-4118/prohibited-uses/3.",
        ),
        "number": _said(_text, "Where it stands, as printed."),
        "paraphrase": _said(_text, "What it says, in a few words of your own."),
        "rules": _said(_some(_identifier), "Rules that serve it, besides those that rest on it."),
        "not_observable": _said(_text, "What of it is not looked for, and why."),
    }
    return _table(properties, ["id", "number", "paraphrase"])


def _verdict() -> Schema:
    return _choice(verdict.value for verdict in Verdict)


def _needs_clause() -> Schema:
    words = sorted(verdict.value for verdict in verdicts_that_need_a_clause)
    return {
        "if": {"properties": {"verdict": {"enum": words}}, "required": ["verdict"]},
        "then": {"required": ["clause"]},
    }


def _rule() -> Schema:
    properties = {
        "id": _identifier,
        "who": _said(_some(_identifier), "Segments, by their id; with roles beside it, either will do."),
        "roles": _said(_some(_choice(role.value for role in Role)), "Segments with these roles."),
        "what": _what(),
        "when": _said(_some(_identifier), "Schedules; any must be active."),
        "unless": _said(_some(_identifier), "Schedules; none may be active."),
        "verdict": _verdict(),
        "allowance": _allowance(),
        "clause": _said(_text, "A clause's id, or words of another policy."),
        "because": _said(_text, "One sentence for people who ask."),
    }
    only_incidental = {
        "if": {"required": ["allowance"]},
        "then": {"properties": {"verdict": {"const": Verdict.INCIDENTAL.value}}},
    }
    return _table(properties, ["id", "verdict", "because"], allOf=[_needs_clause(), only_incidental])


def _what() -> Schema:
    return _table(
        {
            "categories": _some(_choice([*categories, unclassified])),
            "applications": _some(_identifier),
            "protocols": _some(_identifier),
            "accounts": _some(_choice(account.value for account in Account)),
            "evidence": _some(_choice(evidence.value for evidence in Evidence)),
        }
    )


def _allowance() -> Schema:
    properties = {
        "minutes": _said({"type": ["integer", "string"]}, "Minutes with traffic, of a device, category and day."),
        "bytes": _said({"type": "string", "pattern": f"^[0-9]{{1,15}} ?({'|'.join(units)})$"}, "Such as 500 MiB."),
    }
    return _table(properties, anyOf=_any_key("minutes", "bytes"))


def _default() -> Schema:
    properties = {"verdict": _verdict(), "because": _text, "clause": _text}
    return _said(_table(properties, ["verdict", "because"], **_needs_clause()), "What holds when no rule fits.")


def _case() -> Schema:
    properties = {
        "name": _said(_text, "A host name, as a browser asks for it."),
        "application": _said(_identifier, "An application of the catalogue."),
        "segment": _identifier,
        "role": _said(_choice(role.value for role in Role), "Every segment with this role."),
        "at": _said(
            {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}"}, "By the school's clock, as 2026-11-24T10:15."
        ),
        "verdict": _verdict(),
        "rule": _said(_identifier, "The rule that is to give it."),
    }
    either = [{"oneOf": _any_key("name", "application")}, {"oneOf": _any_key("segment", "role")}]
    return _table(properties, ["at", "verdict"], allOf=either)


def _segments_file() -> Schema:
    properties = {
        "id": _identifier,
        "title": _text,
        "role": _choice(role.value for role in Role if role is not Role.UNKNOWN),
        "vlans": _said(_some({"type": ["integer", "string"]}), "1 to 4094, and ranges such as 200-210."),
        "prefixes": _some({"type": "string"}),
    }
    segment = _table(properties, ["id", "title", "role"], anyOf=_any_key("vlans", "prefixes"))
    return _table({"segments": _list(segment)}, ["segments"])


def _schedules_file() -> Schema:
    day_off = _table(
        {"name": _text, "date": _date, "from": _date, "to": _date},
        ["name"],
        oneOf=[
            {"required": ["date"], "not": {"anyOf": _any_key("from", "to")}},
            {"required": ["from", "to"], "not": {"required": ["date"]}},
        ],
    )
    schedule = _table(
        {
            "title": _text,
            "days": _said(_some(_days), "Such as mon-fri."),
            "spans": _said(_some(_span), "Such as 07:45-14:50."),
            "half_day_spans": _said(_some(_span), "In place of spans on half days."),
            "on_holidays": _choice(["closed", "open"]),
        },
        ["title", "days", "spans"],
    )
    properties: dict[str, Schema] = {
        "time_zone": _said({"type": "string"}, "Of the tz database, such as America/New_York."),
        "holidays": _list(day_off),
        "half_days": _list(day_off),
        "schedules": {"type": "object", "propertyNames": _identifier, "additionalProperties": schedule},
    }
    return _table(properties, ["time_zone", "schedules"])


def _accounts_file() -> Schema:
    service = _table(
        {
            "service": _said(_text, "What the board provides."),
            "decided": _said(_text, "By whom and when, such as: Board of Education, 2026-08-18."),
            "until": _said(_date, "The last day on which it holds."),
            "applications": _some(_identifier),
            "domains": _said(_some({"type": "string"}), "Names and everything under them."),
            "hosts": _said(_some({"type": "string"}), "Exactly these names."),
            "prefixes": _said(_some({"type": "string"}), "Addresses of servers."),
        },
        ["service", "decided"],
        anyOf=_any_key("applications", "domains", "hosts", "prefixes"),
    )
    properties = {
        "unknown_names": _said(_choice(["closed", "open"]), "Names in no catalogue: held as personal, or not."),
        "board_services": _list(service),
    }
    return _table(properties, ["board_services"])


def _catalogue_file() -> Schema:
    application = _table(
        {
            "title": _text,
            "account": _choice(kind.value for kind in Accounts),
            "domains": _said(_some({"type": "string"}), "Names and everything under them."),
            "hosts": _said(_some({"type": "string"}), "Exactly these names."),
            "protocols": _some(_identifier),
            "public_names": _said(_some({"type": "string"}), "Outer names of Encrypted ClientHello."),
        },
        ["title", "account"],
        anyOf=_any_key("domains", "hosts", "protocols", "public_names"),
    )
    properties: dict[str, Schema] = {
        "category": _choice(categories),
        "title": _text,
        "reviewed": _said(_date, "When somebody last held this file against the world."),
        "applications": {"type": "object", "propertyNames": _identifier, "additionalProperties": application},
    }
    return _table(properties, ["category", "title", "applications"])
