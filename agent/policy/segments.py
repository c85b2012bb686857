"""A VLAN and a client's address -> the segment of the network, that is: who."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network

Prefix = IPv4Network | IPv6Network

unknown_segment = "unknown"
"""The segment of traffic that no VLAN and no prefix explains. It always exists."""


class Role(StrEnum):
    """Who a segment is for. Rules that name roles fit every site; rules that name segments fit one."""

    STAFF = "staff"
    STUDENT = "student"
    GUEST = "guest"
    DEVICE = "device"
    """Machines that nobody sits at: cameras, boards, printers, telephones."""
    SERVER = "server"
    MIXED = "mixed"
    """Several of these, and the network cannot tell which."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Segment:
    """One part of the network."""

    identifier: str
    title: str
    role: Role
    vlans: tuple[int, ...] = ()
    """VLAN identifiers, 1 to 4094 (IEEE 802.1Q)."""
    prefixes: tuple[Prefix, ...] = ()


class Segments:
    """All segments, to be looked up by VLAN and address. Made once, never changed."""

    __slots__ = ("_inside", "_prefixes_4", "_prefixes_6", "_vlans", "by_identifier")

    def __init__(self, segments: Iterable[Segment]) -> None:
        """Index the segments, and add the unknown one. No two may share a VLAN or a prefix (segments_file.py)."""
        every = [*segments, Segment(unknown_segment, "Unknown", Role.UNKNOWN)]
        self.by_identifier: Mapping[str, Segment] = {segment.identifier: segment for segment in every}
        self._vlans = {vlan: segment.identifier for segment in every for vlan in segment.vlans}
        self._prefixes_4 = _by_length(every, 4)
        self._prefixes_6 = _by_length(every, 6)
        # (segment, bytes of an address) -> what begins like its prefixes; for the unknown segment there is nothing
        self._inside = {
            (segment.identifier, size): _beginnings(prefix for prefix in segment.prefixes if prefix.version == version)
            for segment in every
            if segment.identifier != unknown_segment
            for size, version in ((4, 4), (16, 6))
        }

    def lookup(self, vlan: int | None, client: bytes) -> str:
        """The identifier of the segment: by the VLAN if one has it, else by the longest prefix, else "unknown".

        Args:
            vlan: The outermost VLAN identifier, or None.
            client: 4 or 16 bytes, network order; anything else has no prefix.
        """
        if vlan is not None and (segment := self._vlans.get(vlan)) is not None:
            return segment
        if len(client) == 4:
            lengths = self._prefixes_4
        elif len(client) == 16:
            lengths = self._prefixes_6
        else:
            return unknown_segment
        address = int.from_bytes(client)
        for shift, networks in lengths:
            if (segment := networks.get(address >> shift)) is not None:
                return segment
        return unknown_segment

    def is_device(self, segment: str, client: bytes) -> bool:
        """Whether a client whose flow was counted under a segment is a device inside it.

        Not one in the unknown segment, and not one that has no address yet (0.0.0.0 asks for one) or only an address of
        its link. Where a segment has prefixes of the address's IP version, the address must be in one of them: a VLAN
        also carries what comes in from the Internet, and a flow met midstream may have its ends the wrong way round.

        Args:
            segment: Its identifier.
            client: 4 or 16 bytes, network order.
        """
        inside = self._inside.get((segment, len(client)))
        address = int.from_bytes(client)
        if inside is None or any(address >> shift == network for shift, network in _no_devices[len(client)]):
            return False
        return not inside or any(address >> shift == network for shift, network in inside)

    def with_role(self, role: Role) -> frozenset[str]:
        """Identifiers of the segments for this role; none is an answer too."""
        return frozenset(name for name, segment in self.by_identifier.items() if segment.role is role)


def _beginnings(prefixes: Iterable[Prefix]) -> tuple[tuple[int, int], ...]:
    """(bits after the prefix, prefix): an address that is shifted by the one is the other, when it is inside."""
    shifts = ((prefix.max_prefixlen - prefix.prefixlen, prefix) for prefix in prefixes)
    return tuple((shift, int(prefix.network_address) >> shift) for shift, prefix in shifts)


_no_devices = {
    4: _beginnings(map(IPv4Network, ("0.0.0.0/32", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4"))),
    16: _beginnings(map(IPv6Network, ("::/128", "::1/128", "fe80::/10", "ff00::/8"))),
}
"""Bytes of an address -> unspecified, loopback, link-local and multicast ones (RFC 6890)."""


def _by_length(segments: Iterable[Segment], version: int) -> tuple[tuple[int, dict[int, str]], ...]:
    """(bits after the prefix, prefix -> segment), the longest prefix first."""
    lengths: dict[int, dict[int, str]] = {}
    for segment in segments:
        for prefix in segment.prefixes:
            if prefix.version == version:
                shift = prefix.max_prefixlen - prefix.prefixlen
                lengths.setdefault(shift, {})[int(prefix.network_address) >> shift] = segment.identifier
    return tuple(sorted(lengths.items()))
