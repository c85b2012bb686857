"""The files of rules/catalogue/ -> the Catalogue they describe together."""

from collections.abc import Iterable
from datetime import date

from agent.policy.catalogue import Accounts, Application, Catalogue, Entry
from agent.policy.categories import categories, unknown_application
from agent.policy.document import Node
from agent.policy.domain_names import wire_name
from agent.policy.fields import Fields, identifier, iso_date
from agent.policy.problems import Mark, Problems, shown

max_applications = 4_096
"""Ten times what the shipped catalogue holds. Each is a label value in up to six families of metrics."""

_accounts = tuple(kind.value for kind in Accounts)


class _Claims:
    """Who claimed a name or a protocol first; a second claim is a problem."""

    def __init__(self, what: str, problems: Problems) -> None:
        self._what = what
        self._problems = problems
        self._first: dict[str | bytes, tuple[str, Mark]] = {}

    def claim(self, key: str | bytes, application: str, mark: Mark) -> bool:
        if key not in self._first:
            self._first[key] = (application, mark)
            return True
        owner, place = self._first[key]
        name = key if isinstance(key, str) else key.decode("ascii")
        what = f"{self._what} {shown(name)} stands here for {application} and in {place} for {owner}"
        self._problems.add(mark, what, "keep the one it belongs to")
        return False


class _Reader:
    def __init__(self, problems: Problems) -> None:
        self._problems = problems
        self._applications = _Claims("the application", problems)
        self._domains = _Claims("the domain", problems)
        self._hosts = _Claims("the host", problems)
        self._public_names = _Claims("the public name", problems)
        self._protocols = _Claims("the protocol", problems)
        self.entries: list[Entry] = []
        self.reviewed: list[date] = []

    def file(self, document: Node) -> None:
        required = ["category", "title", "applications"]
        fields = Fields(document, "catalogue file", self._problems, required=required, optional=["reviewed"])
        category = fields.choice("category", categories)
        fields.text("title")
        reviewed = fields.text("reviewed")
        day = None if reviewed is None else iso_date(reviewed, self._problems)
        if day is not None:
            self.reviewed.append(day)
        for name, mark, node in fields.entries("applications"):
            self._application(name, mark, node, category)

    def _application(self, name: str, mark: Mark, node: Node, category: str | None) -> None:
        fields = Fields(
            node,
            "application",
            self._problems,
            required=["title", "account"],
            optional=["domains", "hosts", "protocols", "public_names"],
        )
        title = fields.string("title")
        account = fields.choice("account", _accounts)
        domains = self._names(fields, "domains", name, self._domains)
        hosts = self._names(fields, "hosts", name, self._hosts)
        public_names = self._names(fields, "public_names", name, self._public_names)
        protocols = tuple(
            text.text
            for text in fields.texts("protocols")
            if identifier(text.text, text.mark, self._problems) and self._protocols.claim(text.text, name, text.mark)
        )
        if not any(key in fields for key in ("domains", "hosts", "protocols", "public_names")):
            what = f"nothing can ever be found to be {shown(name)}"
            self._problems.add(mark, what, 'give it "domains:", "hosts:", "protocols:" or "public_names:"')
        if name == unknown_application:
            self._problems.add(mark, f'"{name}" is the name of what is in no catalogue', "choose another identifier")
            return
        if identifier(name, mark, self._problems) is None or not self._applications.claim(name, name, mark):
            return
        if len(self.entries) >= max_applications:
            what = f"more than {max_applications} applications"
            self._problems.add(mark, what, "put sites that no rule tells apart into one application")
            return
        if category is None or account is None:
            return
        application = Application(name, title, category, Accounts(account))
        self.entries.append(Entry(application, domains, hosts, public_names, protocols))

    def _names(self, fields: Fields, key: str, application: str, claims: _Claims) -> tuple[bytes, ...]:
        found = []
        for text in fields.texts(key):
            name = wire_name(text, self._problems)
            if name is not None and claims.claim(name, application, text.mark):
                found.append(name)
        return tuple(found)


def read_catalogue(documents: Iterable[Node], problems: Problems) -> Catalogue:
    """One catalogue from all files; every conflict between them is a problem with both places.

    The catalogue returned holds what could be read, so that rules can be checked against it at once.
    """
    reader = _Reader(problems)
    for document in documents:
        reader.file(document)
    return Catalogue(reader.entries, reviewed=min(reader.reviewed, default=None))
