"""The shipped catalogue -> what it must hold: no name twice, the regulations' platforms, no look-alike of theirs."""

import json
import re
import runpy
from collections import Counter
from functools import cache
from pathlib import Path
from typing import TypedDict, cast

import pytest
import yaml

from agent.naming.name import LINK_PROTOCOLS, TRANSPORTS
from agent.policy.catalogue import Accounts, Catalogue
from agent.policy.catalogue_file import read_catalogue
from agent.policy.categories import categories
from agent.policy.problems import Problems
from agent.policy.rule_files import read_rule_files
from agent.wire.banner import PROTOCOLS

RULES = Path(__file__).parent.parent / "rules"
FILES = sorted((RULES / "catalogue").glob("*.yaml"))
NAME = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")
MIN_APPLICATIONS = 220

CARRIERS = {"tcp", "udp", "udplite", "quic"}
"""Protocols that say nothing of what they carry."""

NAMED_BY_THE_REGULATIONS = {
    "www.facebook.com": ("facebook", "social_networking"),
    "scontent-ord5-1.xx.fbcdn.net": ("facebook", "social_networking"),
    "x.com": ("twitter", "social_networking"),
    "twitter.com": ("twitter", "social_networking"),
    "pbs.twimg.com": ("twitter", "social_networking"),
    "t.co": ("twitter", "social_networking"),
    "static.licdn.com": ("linkedin", "social_networking"),
    "www.linkedin.com": ("linkedin", "social_networking"),
    "scontent.cdninstagram.com": ("instagram", "social_networking"),
    "i.instagram.com": ("instagram", "social_networking"),
    "www.youtube.com": ("youtube", "social_networking"),
    "rr3---sn-vgqsknzl.googlevideo.com": ("youtube", "social_networking"),
    "youtubei.googleapis.com": ("youtube", "social_networking"),
    "p16-sign-va.tiktokcdn.com": ("tiktok", "social_networking"),
    "www.tiktok.com": ("tiktok", "social_networking"),
    "gcp.api.snapchat.com": ("snapchat", "social_networking"),
    "cf-st.sc-cdn.net": ("snapchat", "social_networking"),
    "chat.signal.org": ("signal", "messaging"),
    "chatgpt.com": ("chatgpt", "generative_ai"),
    "api.openai.com": ("chatgpt", "generative_ai"),
    "files.oaiusercontent.com": ("chatgpt", "generative_ai"),
}
"""Name -> application and category of the platforms that the districts' regulations call by name."""

NEIGHBOURS = {
    "www.google.com": "google",
    "mail.google.com": "gmail",
    "meet.google.com": "google_meet",
    "drive.google.com": "google_drive",
    "docs.google.com": "google_docs",
    "classroom.google.com": "google_classroom",
    "gemini.google.com": "gemini",
    "chat.google.com": "google_chat",
    "update.googleapis.com": "chrome_update",
    "generativelanguage.googleapis.com": "google_ai_studio",
    "lh3.googleusercontent.com": "google",
    "yt3.googleusercontent.com": "youtube",
    "grok.x.com": "grok",
    "mask.icloud.com": "icloud_private_relay",
    "gateway.icloud.com": "icloud",
    "onedrive.live.com": "onedrive",
    "outlook.live.com": "outlook_com",
    "login.live.com": "microsoft_account",
    "district.sharepoint.com": "sharepoint",
    "outlook.office365.com": "outlook_365",
    "copilot.microsoft.com": "copilot",
    "teams.microsoft.com": "teams",
    "copilot-proxy.githubusercontent.com": "github_copilot",
    "raw.githubusercontent.com": "github",
    "vpn-api.proton.me": "proton_vpn",
    "mail.proton.me": "proton_mail",
    "dns.google": "public_doh",
    "mail-attachment.googleusercontent.com": "gmail",
    "workspace.turns.goog": "google_meet",
    "api.flightproxy.skype.com": "teams",
    "webdir.online.lync.com": "teams",
    "du11hjcvx0uqb.cloudfront.net": "canvas",
    "d111111abcdef8.cloudfront.net": "aws",
    "aod-ssl.itunes.apple.com": "apple_media",
    "music.amazon.com": "amazon_music",
    "accountscenter.meta.com": "facebook",
    "ai.meta.com": "meta_ai",
    "firefly.adobe.com": "adobe_firefly",
    "my.account.sony.com": "playstation",
    "www.sony.com": "phone_makers",
    "default.any-any.prd.api.discomax.com": "max",
    "time.nist.gov": "ntp",
    "www.nist.gov": "government",
}
"""Names under one another that belong to different applications."""

ASKED_BY_MACHINES = {
    "play.google.com": ("google", "web"),
    "clients2.google.com": ("chrome_update", "system_update"),
    "accounts.youtube.com": ("google", "web"),
    "config.edge.skype.com": ("office_update", "system_update"),
    "init.itunes.apple.com": ("apple_services", "infrastructure"),
    "bag.itunes.apple.com": ("apple_services", "infrastructure"),
    "proxy.safebrowsing.apple": ("apple_services", "infrastructure"),
    "api.opendns.com": ("network_equipment", "system_update"),
    "login.umbrella.com": ("network_equipment", "system_update"),
}
"""Names that browsers, systems and the school's own filter ask for on every desk, under a domain of something else."""

STILL_FOUND = {
    "play-fe.googleapis.com": "google_play",
    "play-lh.googleusercontent.com": "google_play",
    "chromewebstore.google.com": "chrome_web_store",
    "clients2.googleusercontent.com": "chrome_web_store",
    "m.youtube.com": "youtube",
    "www.skype.com": "skype",
    "apps.apple.com": "apple_app_store",
    "buy.itunes.apple.com": "apple_app_store",
    "doh.opendns.com": "public_doh",
    "dns.umbrella.com": "public_doh",
}
"""What those domains are of, by the names that somebody's use of it asks for."""

LOOK_ALIKES = [
    "www.fedex.com",
    "netflix.com.example.invalid",
    "notfacebook.com",
    "facebook.com.attacker.invalid",
    "chatgpt.com.attacker.invalid",
    "mytiktok.com",
    "t.company",
    "xn--fcebook-8va.com",
    "box.company",
    "inbox.computer",
    "com",
]


LOOKED_FOR = {
    "social": "social_networking",
    "genai": "generative_ai",
    "filesharing": "file_sharing",
    "messaging": "messaging",
    "videoconf": "video_conferencing",
    "voip": "voice",
    "vpn": "vpn_and_proxy",
    "email": "email",
}
"""A label of the corpus -> our category; its ninth label, "other", is none of these."""

ALSO = {"cloud": "cloud_collaboration", "collaborative": "cloud_collaboration", "video": "video_streaming"}
"""Further words with which a label says what else would be right."""


class _ApplicationNode(TypedDict, total=False):
    title: str
    account: str
    domains: list[str]
    hosts: list[str]
    protocols: list[str]
    public_names: list[str]


class _FileNode(TypedDict):
    category: str
    title: str
    applications: dict[str, _ApplicationNode]


@cache
def files() -> dict[str, _FileNode]:
    """File name without its ending -> what it holds."""
    return {path.stem: cast("_FileNode", yaml.safe_load(path.read_text(encoding="utf-8"))) for path in FILES}


def applications() -> list[tuple[str, _ApplicationNode]]:
    """All applications with their identifiers."""
    return [item for file in files().values() for item in file["applications"].items()]


@cache
def shipped() -> Catalogue:
    """The catalogue as the daemon reads it."""
    problems = Problems()
    documents = [node for node in read_rule_files(RULES, problems).catalogue if node is not None]
    catalogue = read_catalogue(documents, problems)
    problems.raise_if_any()
    return catalogue


def found(name: str) -> tuple[str, str]:
    """Application and category of a name."""
    match = shipped().lookup(name)
    return ("unknown", "unclassified") if match is None else (match.application.identifier, match.application.category)


def twice(values: list[str]) -> list[str]:
    """Those which stand more than once."""
    return sorted(value for value, count in Counter(values).items() if count > 1)


def names(key: str) -> list[str]:
    """All members of one kind of list: "domains", "hosts", "protocols" or "public_names"."""
    return [str(name) for _, node in applications() for name in cast("dict[str, list[str]]", node).get(key, [])]


def test_files_are_the_categories() -> None:
    """There is one file for each category and none beside, and each says what its name says."""
    assert {category: category for category in categories} == {stem: file["category"] for stem, file in files().items()}


def test_size() -> None:
    """There are enough applications to tell a school day's traffic apart."""
    assert len(applications()) >= MIN_APPLICATIONS


def test_every_application_can_be_found() -> None:
    """Each application has a title, accounts of a known kind, and something to be found by."""
    keys = {"domains", "hosts", "protocols", "public_names"}
    wrong = [
        identifier
        for identifier, node in applications()
        if not node["title"] or node["account"] not in set(Accounts) or not any(node.get(key) for key in keys)
    ]

    assert [] == wrong


def test_nothing_stands_twice() -> None:
    """No identifier, domain, host, public name or protocol belongs to two applications, or to one twice."""
    assert [] == twice([identifier for identifier, _ in applications()])
    assert [] == twice([*names("domains"), *names("hosts")])
    assert [] == twice(names("public_names"))
    assert [] == twice(names("protocols"))


@pytest.mark.parametrize("stem", sorted(files()))
def test_files_are_in_order(stem: str) -> None:
    """Within a file the applications are in alphabetical order, so that a reader finds one and a change is one hunk."""
    identifiers = list(files()[stem]["applications"])

    assert sorted(identifiers) == identifiers


def test_names_are_names() -> None:
    """Domains are lower-case ASCII names of two labels or more, without wildcard, scheme, path or final dot."""
    wrong = [name for key in ("domains", "hosts", "public_names") for name in names(key) if not NAME.fullmatch(name)]

    assert [] == wrong


def test_no_domain_says_what_another_has_said() -> None:
    """No name stands under a domain of the same application: it would change nothing."""
    catalogue = shipped()
    idle = []
    for identifier, node in applications():
        for name in [*node.get("domains", []), *node.get("hosts", [])]:
            above = catalogue.lookup(name.partition(".")[2])
            if above is not None and above.application.identifier == identifier:
                idle.append(name)

    assert [] == idle


def test_the_daemon_reads_it() -> None:
    """The daemon's own reader finds nothing wrong, and as many applications as the files hold."""
    assert len(applications()) == len(shipped().entries)


@pytest.mark.parametrize(("name", "expected"), NAMED_BY_THE_REGULATIONS.items())
def test_platforms_of_the_regulations(name: str, expected: tuple[str, str]) -> None:
    """Every platform the regulations name is there, with the names that its content is served from."""
    assert expected == found(name)


def test_platforms_of_the_regulations_are_personal() -> None:
    """The platforms which the regulations name hold personal online accounts unless a board declares otherwise."""
    accounts = {
        identifier: shipped().entries[identifier].application.accounts
        for identifier, _ in NAMED_BY_THE_REGULATIONS.values()
    }

    assert dict.fromkeys(accounts, Accounts.PERSONAL) == accounts


@pytest.mark.parametrize(("name", "application"), NEIGHBOURS.items())
def test_neighbours_are_told_apart(name: str, application: str) -> None:
    """A product under its maker's domain is found as itself, not as its maker."""
    assert application == found(name)[0]


@pytest.mark.parametrize(("name", "expected"), ASKED_BY_MACHINES.items())
def test_what_machines_ask_for_is_nobodys_use(name: str, expected: tuple[str, str]) -> None:
    """What a machine asks for by itself is not counted as a download, a message, a video or a way round the filter."""
    assert expected == found(name)


@pytest.mark.parametrize(("name", "application"), STILL_FOUND.items())
def test_what_somebody_asks_for_is_still_found(name: str, application: str) -> None:
    """Beside those names, the use of each of these services is still seen."""
    assert application == found(name)[0]


@pytest.mark.parametrize("name", LOOK_ALIKES)
def test_look_alikes_are_no_platform(name: str) -> None:
    """A name which only contains, begins or ends like a platform's is not taken for it."""
    platforms = {application for application, _ in NAMED_BY_THE_REGULATIONS.values()} | {"box", "netflix"}

    assert found(name)[0] not in platforms


def test_every_protocol_has_an_application() -> None:
    """Each protocol that a banner, an IP header or an EtherType can tell is some application's; carriers are none's."""
    readable = PROTOCOLS | set(TRANSPORTS.values()) | set(LINK_PROTOCOLS.values())

    assert set() == readable - CARRIERS - shipped().protocols
    assert set() == CARRIERS & shipped().protocols


def test_encrypted_hello_is_known_as_such() -> None:
    """The outer name of Cloudflare's ECH stands for what hides behind it, and is no site of Cloudflare's."""
    match = shipped().lookup_public_name("cloudflare-ech.com")

    assert match is not None
    assert ("cloudflare_ech", "infrastructure") == (match.application.identifier, match.application.category)


def test_popular_hosts_of_a_school_day(make_day: Path) -> None:
    """Popular hosts are in the category that the maker of school days gives them, where the regulations look."""
    ours = {"social": "social_networking", "genai": "generative_ai", "file-sharing": "file_sharing"}
    services = cast("list[tuple[str, str, float, str, float, str]]", runpy.run_path(str(make_day))["SERVICES"])
    wrong = {
        host: found(host)[1]
        for _, category, _, _, _, hosts in services
        for host in hosts.split()
        if category in ours and ours[category] != found(host)[1]
    }

    # The lists call it a social network; the catalogue calls it what it shows.
    assert {"www.onlyfans.com": "adult"} == wrong


def test_popular_hosts_of_other_kinds(make_day: Path) -> None:
    """Popular hosts of no concern are not taken for social networking, generative AI or file sharing."""
    guarded = {"social_networking", "generative_ai", "file_sharing"}
    services = cast("list[tuple[str, str, float, str, float, str]]", runpy.run_path(str(make_day))["SERVICES"])
    wrong = {
        found(host)[0]
        for _, category, _, _, _, hosts in services
        for host in hosts.split()
        if category not in {"social", "genai", "file-sharing"} and found(host)[1] in guarded
    }

    # The regulations list YouTube as social networking, other lists as video.
    assert {"youtube"} == wrong


def test_labelled_hosts_of_the_corpus(corpus: Path) -> None:
    """Hosts in real captures get the category they are labelled with, or one that the label calls defensible."""
    wrong, seen = [], 0
    for line in (corpus / "labels.jsonl").read_text(encoding="utf-8").splitlines():
        label = json.loads(line)
        hosts = [text[5:] for text in [label["app"], *label["evidence"]] if text.startswith("host:")]
        for host in hosts[:1]:
            seen += 1
            _, category = found(host.partition(":")[0])
            if label["category"] == "other":
                right = category not in LOOKED_FOR.values()
            else:
                right = any(
                    category == LOOKED_FOR.get(kind, ALSO.get(kind)) for kind in [label["category"], *label["alt"]]
                )
            if not right:
                wrong.append((host, label["category"], category))

    assert seen > 0
    assert [] == wrong
