"""rules/accounts.yaml -> BoardServices: what the board provides, by whose decision, and until when."""

import re
from datetime import date
from ipaddress import ip_network

from agent.policy.accounts import BoardService, BoardServices
from agent.policy.catalogue import Catalogue
from agent.policy.document import Node, Text
from agent.policy.domain_names import wire_name
from agent.policy.fields import Fields, iso_date
from agent.policy.problems import Problems, shown
from agent.policy.segments import Prefix

max_services = 256
"""A district has some dozens of contracts."""

max_names = 4_096
"""Domains, hosts and prefixes together; each flow is looked up among them."""

widest_prefix = {4: 8, 6: 16}
"""IP version -> the shortest prefix that one board can have: 10.0.0.0/8 is the widest there is to have."""

unknown_names_choices = {"closed": False, "open": True}

_day = re.compile(r"(?<![0-9])[0-9]{4}-[0-9]{2}-[0-9]{2}(?![0-9])")
_found_by = ("applications", "domains", "hosts", "prefixes")


def read_accounts(
    document: Node, catalogue: Catalogue | None, problems: Problems, *, today: date | None = None
) -> BoardServices:
    """The declarations that could be read; everything else is a problem.

    Args:
        document: The file.
        catalogue: What applications there are; None where the catalogue could not be read: then any word will do.
        problems: Gets everything that is wrong.
        today: As for BoardServices.
    """
    fields = Fields(document, "file of accounts", problems, required=["board_services"], optional=["unknown_names"])
    unknown_names = fields.choice("unknown_names", unknown_names_choices) or "closed"
    services = []
    names = 0
    for number, node in enumerate(fields.items("board_services")):
        if number == max_services:
            problems.add(node.mark, f"more than {max_services} services", "join those of one decision")
            break
        service = _service(node, catalogue, problems)
        if service is None:
            continue
        names += len(service.domains) + len(service.hosts) + len(service.prefixes)
        if names > max_names:
            remedy = "declare the domain that holds them, or the whole application"
            problems.add(node.mark, f"more than {max_names} domains, hosts and prefixes", remedy)
            break
        services.append(service)
    return BoardServices(services, today=today, unknown_names_open=unknown_names_choices[unknown_names])


def _service(node: Node, catalogue: Catalogue | None, problems: Problems) -> BoardService | None:
    fields = Fields(node, "board service", problems, required=["service", "decided"], optional=["until", *_found_by])
    decided, until = fields.text("decided"), fields.text("until")
    if decided is not None and not _has_day(decided.text):
        remedy = 'say by whom and when, such as "Board of Education, 2026-08-18"'
        problems.add(decided.mark, f"{shown(decided.text)} has no date", remedy)
    if not any(key in fields for key in _found_by):
        what = "nothing can ever be found to be this service"
        problems.add(fields.mark, what, f"give it one of: {', '.join(_found_by)}")
    known = None if catalogue is None else catalogue.entries
    applications = fields.choices("applications", known, "application") or frozenset()
    domains = tuple(name for text in fields.texts("domains") if (name := wire_name(text, problems)) is not None)
    hosts = tuple(name for text in fields.texts("hosts") if (name := wire_name(text, problems)) is not None)
    prefixes = tuple(one for text in fields.texts("prefixes") if (one := _prefix(text, problems)) is not None)
    service = fields.string("service")
    if not service or decided is None:
        return None
    return BoardService(
        service,
        decided.text,
        None if until is None else iso_date(until, problems),
        fields.mark_of("service"),
        applications,
        domains,
        hosts,
        prefixes,
    )


def _has_day(text: str) -> bool:
    for found in _day.findall(text):
        try:
            date.fromisoformat(found)
        except ValueError:
            continue
        return True
    return False


def _prefix(text: Text, problems: Problems) -> Prefix | None:
    try:
        prefix = ip_network(text.text)
    except ValueError:
        remedy = 'the address of a network and a length, such as "192.0.2.0/24" or "2001:db8::/32"'
        problems.add(text.mark, f"{shown(text.text)} is no prefix", remedy)
        return None
    if prefix.prefixlen < widest_prefix[prefix.version]:
        what = f"{prefix} is wider than any board's network"
        problems.add(text.mark, what, f"at least /{widest_prefix[prefix.version]}; name the networks one by one")
        return None
    return prefix
