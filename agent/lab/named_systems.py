"""A moment -> one flow for every system that the districts' regulations name, from each segment of the lab's school."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from agent.flow import Endpoints, Evidence
from agent.lab import banners, dialogues
from agent.lab.canary import filled
from agent.lab.flows import Plan, over_tcp, over_udp, spoken
from agent.lab.frames import Dialogue, Frame, Line, Packet, Truth
from agent.lab.services import SERVER_V4
from agent.lab.visits import SEGMENTS, Segment

STEP_NS = 50_000_000
"""Between the starts of two flows: all of them begin within one minute, so one bell rings for all."""

PACE_NS = 200_000
"""Mean time between two packets of a flow."""

FIRST_ADDRESS = 20_001
"""Of SERVER_V4, beyond the services of the school day."""

SIZES = (300, 2_000)
"""Bytes said up and down after an introduction."""

TLS_PORT, QUIC, TLS, SIP, TORRENT = 443, "quic", "tls", "sip", "bittorrent"


@dataclass(frozen=True, slots=True)
class NamedSystem:
    """One thing that the regulations name, or give as a kind, and how it is met on a network."""

    title: str
    application: str
    """As FlowClass.application."""
    category: str
    """As FlowClass.category."""
    hostname: str | None
    """None for a protocol that has no name."""
    speaks: str = TLS


NAMED_SYSTEMS = (
    NamedSystem("Facebook", "facebook", "social_networking", "www.facebook.com"),
    NamedSystem("Twitter, or X", "twitter", "social_networking", "x.com"),
    NamedSystem("LinkedIn", "linkedin", "social_networking", "www.linkedin.com"),
    NamedSystem("Instagram", "instagram", "social_networking", "www.instagram.com", QUIC),
    NamedSystem("YouTube", "youtube", "social_networking", "www.youtube.com", QUIC),
    NamedSystem("TikTok", "tiktok", "social_networking", "www.tiktok.com"),
    NamedSystem("Another social network (Reddit)", "reddit", "social_networking", "www.reddit.com"),
    NamedSystem("Generative AI: ChatGPT", "chatgpt", "generative_ai", "chatgpt.com"),
    NamedSystem("Messages that vanish: Snapchat", "snapchat", "social_networking", "app.snapchat.com"),
    NamedSystem("Messenger built for secrecy: Signal", "signal", "messaging", "chat.signal.org"),
    NamedSystem("Chat and instant messages (WhatsApp)", "whatsapp", "messaging", "web.whatsapp.com"),
    NamedSystem("Peer-to-peer messages (Session)", "session", "messaging", "seed1.getsession.org"),
    NamedSystem("E-mail, personal (Yahoo Mail)", "yahoo_mail", "email", "mail.yahoo.com"),
    NamedSystem("E-mail of a suite (Gmail)", "gmail", "email", "mail.google.com", QUIC),
    NamedSystem("Cloud collaboration (Google Docs)", "google_docs", "cloud_collaboration", "docs.google.com"),
    NamedSystem("Chat inside it (Google Chat)", "google_chat", "messaging", "chat.google.com"),
    NamedSystem("Retail site (Amazon)", "amazon", "retail", "www.amazon.com"),
    NamedSystem("Other Internet access (New York Times)", "nytimes", "news", "www.nytimes.com"),
    NamedSystem("The district's telephones (SIP)", "sip", "voice", None, SIP),
    NamedSystem("Remote teaching (Zoom)", "zoom", "video_conferencing", "zoom.us"),
    NamedSystem("Digital teaching platform (Classroom)", "google_classroom", "education", "classroom.google.com"),
    NamedSystem("Confidential files carried off (Dropbox)", "dropbox", "file_sharing", "www.dropbox.com"),
    NamedSystem("Copyrighted material (BitTorrent)", "bittorrent", "file_sharing", None, TORRENT),
    NamedSystem("Access without leave (TeamViewer)", "teamviewer", "remote_access", "master1.teamviewer.com"),
    NamedSystem("Access without leave: tunnel (NordVPN)", "nordvpn", "vpn_and_proxy", "api.nordvpn.com"),
    NamedSystem("Software (Google Play)", "google_play", "software_download", "play-fe.googleapis.com"),
    NamedSystem("Lewd or obscene matter (Playboy)", "playboy", "adult", "www.playboy.com"),
)


def plans(start_ns: int, segments: tuple[Segment, ...] = SEGMENTS) -> Iterator[Plan]:
    """One flow for each segment and system, in order of their start; numbers count up from 0.

    Args:
        start_ns: Nanoseconds since the epoch; when the first flow begins.
        segments: Where the clients are.
    """
    number = 0
    for place, segment in enumerate(segments):
        for index, system in enumerate(NAMED_SYSTEMS):
            port = {SIP: 5060, TORRENT: 6881}.get(system.speaks, TLS_PORT)
            client = segment.v4[257 + place].packed
            ends = Endpoints(client, 40_000 + number, SERVER_V4[FIRST_ADDRESS + index].packed, port)
            truth = _truth(number, ends, segment.vlan, system)
            yield Plan(truth, partial(_talk, truth, system), start_ns + number * STEP_NS, PACE_NS)
            number += 1


def named_systems(start_ns: int, segments: tuple[Segment, ...] = SEGMENTS) -> list[Frame]:
    """The frames of plans(), in order of time. The same moment gives the same frames."""
    made = [
        frame for plan in plans(start_ns, segments) for frame, _ in spoken(plan, random.Random(plan.truth.flow_number))
    ]
    return sorted(made, key=lambda frame: frame.time_ns)


def _truth(number: int, ends: Endpoints, vlan: int | None, system: NamedSystem) -> Truth:
    evidence = {TLS: Evidence.SNI, QUIC: Evidence.QUIC}.get(system.speaks, Evidence.PROTOCOL)
    return Truth(
        flow_number=number,
        ends=ends,
        vlan=vlan,
        transport="udp" if system.speaks in {QUIC, SIP} else "tcp",
        protocol=system.speaks,
        application=system.application,
        category=system.category,
        hostname=system.hostname,
        outer_name=None,
        visible=evidence,
        canary=True,
    )


def _talk(truth: Truth, system: NamedSystem, rng: random.Random) -> Iterator[Packet]:
    speak: Callable[[], Dialogue] = {
        TLS: lambda: dialogues.tls(rng, truth.flow_number, system.hostname, SIZES),
        QUIC: lambda: dialogues.quic_connection(rng, truth.flow_number, system.hostname or "", SIZES),
        SIP: lambda: register(truth.flow_number),
        TORRENT: lambda: banners.bittorrent(rng, truth.flow_number, SIZES),
    }[system.speaks]
    if truth.transport == "udp":
        return over_udp(truth.ends, truth.vlan, speak())
    return over_tcp(rng, truth.ends, truth.vlan, speak())


def register(flow_number: int) -> Dialogue:
    """A telephone registers with its exchange (RFC 3261 section 10); who it is stands beyond the first 64 bytes."""
    via = b"Via: SIP/2.0/UDP phone.hallwatch-lab.example;branch=z9hG4bK776\r\n"
    who = b"From: <sip:" + filled(flow_number, 32) + b"@pbx.example>;tag=1\r\nContent-Length: 0\r\n\r\n"
    yield Line(banners.TO_SERVER, b"REGISTER sip:pbx.hallwatch-lab.example SIP/2.0\r\n" + via + who)
    yield Line(banners.TO_CLIENT, b"SIP/2.0 200 OK\r\n" + via + who)
