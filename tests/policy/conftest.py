"""A small, right set of rule files, for tests to break or to ask."""

from collections.abc import Callable
from pathlib import Path

import pytest

from agent.policy.policy import Policy, load

FILES = {
    "catalogue/social_networking.yaml": """\
category: social_networking
title: Social networking
applications:
  x:
    title: X
    account: personal
    domains: [x.com, twitter.com]
  youtube:
    title: YouTube
    account: personal
    domains: [youtube.com]
    hosts: [youtubei.googleapis.com]
""",
    "catalogue/cloud_collaboration.yaml": """\
category: cloud_collaboration
title: Working together
applications:
  google_apis:
    title: Google APIs
    account: suite
    domains: [googleapis.com]
""",
    "catalogue/file_sharing.yaml": """\
category: file_sharing
title: File sharing
applications:
  bittorrent:
    title: BitTorrent
    account: none
    protocols: [bittorrent]
""",
    "catalogue/infrastructure.yaml": """\
category: infrastructure
title: Infrastructure
applications:
  behind_cloudflare:
    title: Hidden behind Cloudflare
    account: none
    public_names: [cloudflare-ech.com]
  cloudflare:
    title: Cloudflare
    account: none
    domains: [cloudflare-ech.com, cloudflare.com]
""",
    "segments.yaml": """\
segments:
  - {id: staff, title: Staff, role: staff, vlans: [10], prefixes: [10.10.0.0/16]}
  - {id: students, title: Students, role: student, vlans: [20, 200-203], prefixes: [10.0.0.0/8, "2001:db8::/32"]}
""",
    "schedules.yaml": """\
time_zone: America/New_York
holidays:
  - {name: Thanksgiving recess, from: 2026-11-26, to: 2026-11-27}
half_days:
  - {name: Day before Thanksgiving, date: 2026-11-25}
schedules:
  school_hours:
    title: School hours
    days: [mon-fri]
    spans: ["07:45-14:50"]
    half_day_spans: ["07:45-11:50"]
""",
    "rules.yaml": """\
rules:
  - id: social-in-school
    roles: [student]
    what: {categories: [social_networking]}
    when: [school_hours]
    verdict: prohibited
    clause: "4.1"
    because: It is school time.
  - id: staff-social
    who: [staff]
    what: {categories: [social_networking], accounts: [personal]}
    verdict: incidental
    clause: "4.2"
    because: It is tolerated.
  - id: peer-to-peer
    what: {protocols: [bittorrent]}
    verdict: review
    because: A person should look.
default:
  verdict: permitted
  because: No rule speaks of it.
""",
}


@pytest.fixture
def rules(tmp_path: Path) -> Callable[..., Path]:
    """Returns what writes the files, some of them replaced (None leaves one out), and returns their directory."""

    def write(changed: dict[str, str | bytes | None] | None = None) -> Path:
        for name, content in {**FILES, **(changed or {})}.items():
            if content is not None:
                path = tmp_path / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return tmp_path

    return write


@pytest.fixture
def policy(rules: Callable[..., Path]) -> Policy:
    """Returns the policy of the files above."""
    return load(rules())
