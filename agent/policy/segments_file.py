"""rules/segments.yaml -> Segments."""

import re
from ipaddress import IPv4Network, IPv6Network, ip_network

from agent.policy.document import Node, Text
from agent.policy.fields import Fields
from agent.policy.problems import Mark, Problems, shown
from agent.policy.segments import Prefix, Role, Segment, Segments, unknown_segment

max_segments = 256
"""More than any district has networks worth telling apart. Each multiplies the number of series."""

max_entries = 4_096
"""VLANs, ranges of them and prefixes as written, in all segments together: room for every VLAN one by one."""

max_vlan = 4094
"""IEEE 802.1Q: 4095 is reserved, and 0 only carries a priority."""

_mapped = IPv6Network("::ffff:0:0/96")
"""IPv4-mapped addresses (RFC 4291 section 2.5.5.2)."""

_range = re.compile(r"([0-9]{1,4})(?: *- *([0-9]{1,4}))?")


class _Reader:
    def __init__(self, problems: Problems) -> None:
        self._problems = problems
        self._identifiers: dict[str, Mark] = {}
        self._vlans: dict[int, tuple[str, Mark]] = {}
        self._prefixes: dict[Prefix, tuple[str, Mark]] = {}
        self._room = max_entries
        self.segments: list[Segment] = []

    def file(self, document: Node) -> None:
        fields = Fields(document, "file of segments", self._problems, required=["segments"])
        for number, node in enumerate(fields.items("segments")):
            if number == max_segments:
                self._problems.add(
                    node.mark, f"more than {max_segments} segments", "join those that no rule tells apart"
                )
                break
            self._segment(node)
        self._check_nesting()

    def _segment(self, node: Node) -> None:
        fields = Fields(
            node, "segment", self._problems, required=["id", "title", "role"], optional=["vlans", "prefixes"]
        )
        name = fields.identifier("id")
        title = fields.string("title")
        role = fields.choice("role", [role.value for role in Role if role is not Role.UNKNOWN])
        if "vlans" not in fields and "prefixes" not in fields:
            remedy = 'add "vlans: [10]" or "prefixes: [10.10.0.0/16]"'
            self._problems.add(fields.mark, "no traffic can be in this segment", remedy)
        if name is None:
            return
        vlans = tuple(vlan for text in self._entries(fields, "vlans") for vlan in self._vlan_range(text, name))
        prefixes = tuple(p for text in self._entries(fields, "prefixes") if (p := self._prefix(text, name)) is not None)
        if name == unknown_segment:
            remedy = "choose another id"
            self._problems.add(fields.mark_of("id"), f'"{name}" is the segment of what no other explains', remedy)
        elif name in self._identifiers:
            what = f"the segment {shown(name)} stands in line {self._identifiers[name].line} already"
            self._problems.add(fields.mark_of("id"), what, "give each segment its own id")
        elif role is not None:
            self._identifiers[name] = fields.mark_of("id")
            self.segments.append(Segment(name, title, Role(role), vlans, prefixes))

    def _entries(self, fields: Fields, key: str) -> tuple[Text, ...]:
        """The members of a list, as far as there is room for them."""
        texts = fields.texts(key)
        if len(texts) > self._room:
            what = f"more than {max_entries} VLANs and prefixes"
            self._problems.add(
                texts[self._room].mark, what, "write ranges of VLANs, and the prefix that holds the others"
            )
        texts = texts[: self._room]
        self._room -= len(texts)
        return texts

    def _vlan_range(self, text: Text, segment: str) -> list[int]:
        found = _range.fullmatch(text.text)
        first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
        if not 1 <= first <= last <= max_vlan:
            remedy = f'a number from 1 to {max_vlan}, or a range such as "200-210"'
            self._problems.add(text.mark, f"{shown(text.text)} is no VLAN", remedy)
            return []
        vlans = range(first, last + 1)
        taken = [vlan for vlan in vlans if vlan in self._vlans]
        if taken:
            other, mark = self._vlans[taken[0]]
            more = f", and {len(taken) - 1} more of this range are taken too" if len(taken) > 1 else ""
            what = f"VLAN {taken[0]} is in segment {shown(other)} already (line {mark.line}){more}"
            self._problems.add(text.mark, what, "keep it in one segment")
        free = [vlan for vlan in vlans if vlan not in self._vlans]
        self._vlans.update(dict.fromkeys(free, (segment, text.mark)))
        return free

    def _prefix(self, text: Text, segment: str) -> Prefix | None:
        try:
            prefix = ip_network(text.text)
        except ValueError:
            self._problems.add(text.mark, f"{shown(text.text)} is no prefix", _prefix_remedy(text.text))
            return None
        if isinstance(prefix, IPv6Network) and prefix.subnet_of(_mapped):
            remedy = "write the IPv4 prefix itself; on the wire there is no such address"
            self._problems.add(text.mark, f"{prefix} holds IPv4 addresses as some programs write them in IPv6", remedy)
            return None
        if prefix in self._prefixes:
            other, mark = self._prefixes[prefix]
            what = f"{prefix} is in segment {shown(other)} already (line {mark.line})"
            self._problems.add(text.mark, what, "keep it in one segment")
            return None
        self._prefixes[prefix] = (segment, text.mark)
        return prefix

    def _check_nesting(self) -> None:
        # A prefix inside one of another segment is an exception, and the longer one wins. Inside one of its own segment
        # it says nothing, which mostly means that one of the two was meant for another segment.
        for prefix, (segment, mark) in self._prefixes.items():
            outer = self._next_wider(prefix)
            if outer is not None and self._prefixes[outer][0] == segment:
                line = self._prefixes[outer][1].line
                what = f"{prefix} overlaps {outer} of the same segment (line {line})"
                self._problems.add(mark, what, "remove it, or give it to the segment it was meant for")

    def _next_wider(self, prefix: Prefix) -> Prefix | None:
        wider: IPv4Network | IPv6Network = prefix
        while wider.prefixlen > 0:
            wider = wider.supernet()
            if wider in self._prefixes:
                return wider
        return None


def _prefix_remedy(text: str) -> str:
    try:
        return f"the network itself is {ip_network(text, strict=False)}"
    except ValueError:
        return 'an address and a length, such as "10.10.0.0/16" or "2001:db8::/32"'


def read_segments(document: Node, problems: Problems) -> Segments:
    """The segments of the file that could be read; everything else is a problem."""
    reader = _Reader(problems)
    reader.file(document)
    return Segments(reader.segments)
