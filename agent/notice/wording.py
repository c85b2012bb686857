"""The facts of a Notice -> the page that says them to the people who are concerned.

The law is cited and not copied; what follows from it for a district, counsel decides.
"""

from collections.abc import Sequence
from datetime import date
from typing import Final

from agent.notice.notice import Collected, Network, Notice
from agent.notice.page import Bullets, Page, Paragraph, Section, Table

COLLECTED: Final = {
    Collected.COUNTS: (
        "Counting of network traffic. Connections, packets and bytes are added up by network, category, application, "
        "what the written policy says of it, and whether the account is personal or the district's. The sums name no "
        "person, no device and no address; sites appear as applications of a public catalogue, if at all."
    ),
    Collected.NAMES: (
        "Reading the name of a service from the first bytes in which a connection introduces itself, to tell what to "
        "count it as."
    ),
    Collected.DNS: "Reading the questions to and the answers of name servers (DNS), for the same purpose.",
    Collected.DEVICE_MINUTES: (
        "Adding up minutes and bytes of use for each device, category and day, in memory, under a number that changes every "
        "day. What is told of it are numbers of devices, and none where they are few."
    ),
    Collected.DISTINCT_DEVICES: (
        "Counting distinct devices across taps. From a device's address a number is made that only the holder of the "
        "district's key can make and that changes every day; it is mixed into a sketch that keeps no list of such numbers. "
        "What is told of it are numbers of devices, and none where they are few. Who has the sketch and the key could try "
        "whether an address was among the day's. The sketches are kept here: {devices_store}."
    ),
    Collected.RECORDS: (
        "Records of the connections of one device or one network, only under a written authorisation: see Exceptions."
    ),
}
"""A type of monitoring -> what it is."""

OPENED: Final = (
    (
        "Encrypted connections (TLS)",
        "the greeting of the client, which names the service: at most {GATE_TLS_BYTES:,} bytes",
    ),
    ("The same over datagrams (DTLS)", "the greeting of the client: at most {GATE_DTLS_DATAGRAMS} datagrams"),
    ("QUIC", "the greeting of the client: at most {GATE_QUIC_DATAGRAMS} datagrams"),
    (
        "Name service (DNS)",
        "the messages: at most {GATE_DATAGRAM_BYTES:,} bytes of a datagram, {GATE_DNS_TCP_BYTES:,} each way of a stream",
    ),
    (
        "Unencrypted web (HTTP)",
        (
            "the method (at most {GATE_HTTP_METHOD_BYTES} bytes) and the name of the site (at most "
            "{GATE_HTTP_HOST_BYTES} bytes) of the first request, looked for in the first {GATE_HTTP_SEARCH_BYTES:,} bytes"
        ),
    ),
    ("Anything else", "the start of the first packet each way, whatever it says: at most {GATE_BANNER_BYTES} bytes"),
    ("A connection met after its beginning", "nothing"),
)
"""What traffic looks like, and what is opened of it; the numbers are those of the notice."""

NEVER_OPENED: Final = (
    "What is said after the introduction: messages, mail, pages, files, pictures, passwords. No secret of it is decrypted.",
    "Of an unencrypted web request: the page's address, cookies, forms, and the answer.",
    (
        "Of a service that serves personal online accounts, or may and is not declared to be the board's, where DNS has "
        "shown its address: anything but the greeting of an encrypted connection."
    ),
)

KEPT: Final = {
    "counts": "Counts, which name nobody",
    "distinct_devices": "Sketches of distinct devices, at most",
    "records": "Records made under a written authorisation",
    "names": "Names of services, in memory only, at most",
}
"""What is kept -> what people call it."""


def page_of(notice: Notice, fingerprint: str, on: date, posted_where: Sequence[str]) -> Page:
    """The page.

    Args:
        notice: What is described.
        fingerprint: Of that description.
        on: The date that stands on it.
        posted_where: Conspicuous places where it hangs; may be empty.
    """
    return Page(
        title="Notice of electronic monitoring",
        opening=(
            Paragraph(f"{notice.district} gives notice of electronic monitoring of its computer networks."),
            Paragraph(
                "Conn. Gen. Stat. § 31-48d, as amended by Public Act 26-73, asks for prior written notice, to all who may "
                "be affected, of the types of monitoring which may occur and of the specific locations where it may occur. "
                "This notice was written from the configuration that is in force. It speaks of the network alone; cameras, "
                "telephones and what else may be monitored have notices of their own."
            ),
        ),
        sections=(
            _types(notice),
            _opened(notice),
            _locations(notice),
            _kept(notice),
            _exceptions(notice),
            Section("Whom to ask", (Paragraph(f"Questions about electronic monitoring: {notice.contact}."),)),
        ),
        closing=_closing(fingerprint, on, posted_where),
    )


def _types(notice: Notice) -> Section:
    words = ", ".join(category.replace("_", " ") for category in notice.categories)
    return Section(
        "Types of monitoring which may occur",
        (
            Bullets(
                tuple(COLLECTED[kind].replace("{devices_store}", notice.devices_store) for kind in notice.collected)
            ),
            Paragraph(f"Categories: {words}."),
        ),
    )


def _opened(notice: Notice) -> Section:
    limits = {limit.id: limit.value for limit in notice.opened}
    return Section(
        "What is opened, and what never is",
        (
            Table(("Traffic", "Opened"), tuple((traffic, text.format_map(limits)) for traffic, text in OPENED)),
            Paragraph("Never opened:"),
            Bullets(NEVER_OPENED),
            Paragraph(_services(notice)),
        ),
    )


def _services(notice: Notice) -> str:
    """Which services are not held to be personal."""
    declared = f"Declared to be the board's own services: {'; '.join(notice.services) or 'none'}."
    if notice.unknown_names_open:
        return f"{declared} Services that no catalogue knows are not held to be personal."
    return f"{declared} Services that no catalogue knows are held to be personal."


def _locations(notice: Notice) -> Section:
    buildings = {building.id: building for building in notice.buildings}
    networks = {network.id: network for network in notice.networks}
    rows = []
    for tap in sorted(notice.taps, key=lambda tap: (buildings[tap.building].name, tap.id)):
        building = buildings[tap.building]
        rows.append(
            (
                ", ".join(part for part in (building.name, building.address) if part),
                f"{tap.where} (tap {tap.id})",
                "; ".join(_network(networks[name]) for name in tap.networks),
                "; ".join(sorted(buildings[name].name for name in tap.covers)),
            )
        )
    parts: list[Paragraph | Table] = [
        Table(("Building", "Place of the tap", "Networks that pass there", "Traffic of"), tuple(rows)),
        Paragraph(
            "Other traffic that passes these places is counted too, as of an unknown network. What passes none of them is not "
            "seen."
        ),
    ]
    if notice.elsewhere:
        names = "; ".join(_network(networks[name]) for name in notice.elsewhere)
        parts.append(Paragraph(f"Counted at whichever of these places they pass: {names}."))
    parts.append(
        Paragraph(
            "No tap stands in an area for health or personal comfort, or for the safeguarding of possessions, such as rest "
            "rooms, locker rooms and lounges (Conn. Gen. Stat. § 31-48b)."
        )
    )
    return Section("Where it may occur", tuple(parts))


def _network(network: Network) -> str:
    tags = f"VLAN {_ranges(network.vlans)}" if network.vlans else ""
    told = ", ".join(part for part in (tags, *network.prefixes) if part)
    return f"{network.title} ({told})" if told else network.title


def _ranges(numbers: Sequence[int]) -> str:
    """Sorted numbers as people write them: 10, 200-210."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


def _kept(notice: Notice) -> Section:
    rows = [(KEPT[kept.id], _days(kept.days)) for kept in notice.kept]
    rows.append(("What was opened of a connection", "until it has been read; it is never stored"))
    return Section("How long it is kept", (Table(("What", "How long"), tuple(rows)),))


def _days(days: int) -> str:
    return "1 day" if days == 1 else f"{days} days"


def _exceptions(notice: Notice) -> Section:
    return Section(
        "Exceptions, and personal online accounts",
        (
            Paragraph(
                "Records about one device or one network are made only under a signed authorisation, which says on which "
                "of the law's grounds, on what specific information, by whom, for what and from when to when, for at most "
                f"{_days(notice.max_authorisation_days)}. They hold time, network, application, category, "
                "whether the account is personal or the district's, verdict and size; never contents, and names of sites "
                "only where the authorisation says so. They end with it."
            ),
            Paragraph(
                "The law provides for monitoring without prior notice where there are reasonable grounds to believe that "
                "employees are engaged in conduct that violates the law, violates the legal rights of the employer or of "
                "other employees, or creates a hostile work environment, and monitoring may produce evidence of it "
                "(§ 31-48d)."
            ),
            Paragraph(
                "Nobody is asked for the credentials of a personal online account, nor to open one before a "
                "representative of the employer, nor made to invite a supervisor to a group of it or to accept a "
                "supervisor's invitation. On specific information the law lets the employer require access to one, even "
                "then without credentials, to investigate (A) whether the law and the rules on misconduct at work are "
                "kept, and (B) an unauthorised transfer of its proprietary, confidential or financial data (Conn. Gen. "
                f"Stat. § 31-40x). {_held(notice)}"
            ),
        ),
    )


def _held(notice: Notice) -> str:
    """What is held to be personal, as rules/README.md has it."""
    unknown = ", or no catalogue knows it" if notice.unknown_names_open else ""
    return (
        "What the board has not declared to be its own service is held to be personal, unless it is a service without "
        f"accounts{unknown}."
    )


def _closing(fingerprint: str, on: date, posted_where: Sequence[str]) -> tuple[Paragraph, ...]:
    places = f" Posted at: {'; '.join(posted_where)}." if posted_where else ""
    return (
        Paragraph(
            f"To be posted in a conspicuous place, readily available for viewing.{places} New employees receive it."
        ),
        Paragraph(f"Date: {on.isoformat()}. Fingerprint of what is described: {fingerprint}."),
        Paragraph("Written by Hallwatch. The law is cited, not copied; counsel decides what it asks of the district."),
    )
