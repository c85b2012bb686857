"""Authorisations, keys and flows for the tests of this folder."""

from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

from agent.authority.authorisation import Authorisation, Device, Ground, Network, Scope
from agent.authority.signature import new_key
from agent.authority.statement import identifier_for, time_of
from agent.authority.store import write_authorisation, write_keys
from agent.flow import Account, Endpoints, Evidence, Flow, FlowClass
from agent.pipeline import FlowRecord
from agent.verdict import Verdict

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
NOON = time_of("2026-11-23T12:00:00Z")
DEVICE = Device(ip_address("10.10.4.7"))

SECRET_NAME = "canary.private-name.example"
"""What no log may hold, unless names are authorised."""


def authorisation(
    scope: Scope = DEVICE, *, begin: int = NOON, end: int = NOON + DAY, names: bool = False, approved_by: str = "J. Doe"
) -> Authorisation:
    """An authorisation with everything that it needs."""
    made = Authorisation(
        identifier="",
        ground=Ground.B,
        information="the vendor's report of student records offered for sale",
        received_on="2026-11-20",
        approved_by=approved_by,
        scope=scope,
        written_ns=NOON - 3_600 * SECOND,
        from_ns=begin,
        until_ns=end,
        names=names,
    )
    return replace(made, identifier=identifier_for(made))


def network(segment: str, *, begin: int = NOON, end: int = NOON + DAY, names: bool = False) -> Authorisation:
    """An authorisation for a segment."""
    return authorisation(Network(segment), begin=begin, end=end, names=names)


class Office:
    """A directory of authorisations, and the private key of those who approve."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.private, self.public = new_key()
        directory.mkdir()
        write_keys(directory, directory.with_suffix(".key"), self.private, self.public)

    def write(self, made: Authorisation) -> Path:
        """Sign an authorisation."""
        return write_authorisation(self.directory, made, self.private)


def flow(
    *,
    client: str = "10.10.4.7",
    segment: str = "staff",
    started: int = NOON + SECOND,
    application: str = "example_drive",
    hostnames: tuple[str, ...] = (SECRET_NAME,),
) -> FlowRecord:
    """A flow at its end."""
    ends = Endpoints(ip_address(client).packed, 50_123, ip_address("192.0.2.99").packed, 443)
    return FlowRecord(
        Flow(ends, 0x0800, 6, None, None, started),
        hostnames,
        FlowClass(segment, application, "file_sharing", "tls", Evidence.SNI, Account.PERSONAL),
        Verdict.REVIEW,
        (11, 22),
        (3_333, 4_444),
    )
