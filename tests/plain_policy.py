"""Names -> classes called after them: a policy that a test can read at a glance."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo

from agent.flow import Account, Evidence, FlowClass
from agent.verdict import Allowance, Decision, Verdict

UNKNOWN = "unknown"


def named(name: str | None, evidence: Evidence, protocol: str, segment: str = UNKNOWN) -> FlowClass:
    """The class that PlainPolicy makes of a flow: its application is its name."""
    category = "unclassified" if name is None else "named"
    return FlowClass(segment, name or UNKNOWN, category, protocol, evidence, Account.UNKNOWN)


def always(verdict: Verdict) -> Callable[[FlowClass, int], Verdict]:
    """The same verdict for everything at all times."""
    return lambda _flow_class, _now_ns: verdict


@dataclass(frozen=True, slots=True)
class PlainPolicy:
    """The policy. The rule that decides is called after its verdict."""

    verdict_of: Callable[[FlowClass, int], Verdict] = field(default_factory=lambda: always(Verdict.PERMITTED))
    personal: frozenset[bytes] = frozenset()
    """Names whose accounts are personal."""
    public_names: frozenset[bytes] = frozenset()
    sites: frozenset[bytes] = frozenset()
    """Names of which it is known whose they are."""
    known_protocols: frozenset[str] = frozenset({"bittorrent", "dns"})
    met: Mapping[str, int] = field(default_factory=dict)
    allowance: Allowance | None = None
    """Of everything that is incidental."""
    zone: tzinfo = UTC

    @property
    def has_allowances(self) -> bool:
        return self.allowance is not None

    def classify(
        self,
        *,
        vlan: int | None,
        client: bytes,
        name: bytes | None,
        evidence: Evidence,
        protocol: str,
        server: bytes = b"",
    ) -> FlowClass:
        """The segment is called after the VLAN."""
        del client, server
        return named(
            None if name is None else name.decode(), evidence, protocol, UNKNOWN if vlan is None else f"vlan {vlan}"
        )

    def decide(self, flow_class: FlowClass, now_ns: int) -> Decision:
        verdict = self.verdict_of(flow_class, now_ns)
        allowance = self.allowance if verdict is Verdict.INCIDENTAL else None
        return Decision(verdict, verdict.value, clause="", because="the test says so", steps=(), allowance=allowance)

    def holds_closed(self, name: bytes, server: bytes = b"") -> bool:
        del server
        return name in self.personal

    def is_device(self, segment: str, client: bytes) -> bool:
        """Whoever has a VLAN, and an address in 10.0.0.0/8 or fd00::/8."""
        return segment != UNKNOWN and client[:1] in (b"\x0a", b"\xfd")

    def is_public_name(self, name: bytes) -> bool:
        return name in self.public_names

    def is_site(self, name: bytes) -> bool:
        return name in self.sites

    def is_known_protocol(self, protocol: str) -> bool:
        return protocol in self.known_protocols

    def forget_names(self) -> None:
        """It remembers none."""

    def limits(self) -> Mapping[str, int]:
        return self.met
