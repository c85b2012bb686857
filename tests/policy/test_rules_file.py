"""rules/rules.yaml: every word is checked against the files that define it, and each wrong one told with its line."""

from datetime import UTC
from ipaddress import ip_network

import pytest

from agent.flow import Account, Evidence
from agent.policy import rules_file
from agent.policy.catalogue import Accounts, Application, Catalogue, Entry
from agent.policy.document import parse
from agent.policy.problems import Problems, RulesError
from agent.policy.rules import Rule, no_default
from agent.policy.rules_file import Vocabulary, read_rules_file
from agent.policy.schedules import Calendar, Schedule, Schedules, Span
from agent.policy.segments import Role, Segment, Segments
from agent.verdict import Verdict

CATALOGUE = Catalogue(
    [
        Entry(Application("tiktok", "TikTok", "social_networking", Accounts.PERSONAL), domains=(b"tiktok.com",)),
        Entry(Application("bittorrent", "BitTorrent", "file_sharing", Accounts.NONE), protocols=("bittorrent",)),
    ]
)
SEGMENTS = Segments(
    [
        Segment("hs", "High school", Role.STUDENT, (20,)),
        Segment("ms", "Middle school", Role.STUDENT, (21,)),
        Segment("staff", "Staff", Role.STAFF, (), (ip_network("10.0.0.0/8"),)),
    ]
)


SCHEDULES = Schedules([Schedule("school", "School", frozenset({0}), (Span(0, 60),))], Calendar(UTC))


def read(text: str, vocabulary: Vocabulary | None = None) -> tuple[tuple[Rule, ...], Rule, list[str]]:
    """Returns the rules, the default, and the problems."""
    problems = Problems()
    node = parse(text.encode(), "r.yaml", problems)
    assert node is not None
    read = read_rules_file(node, vocabulary or Vocabulary(CATALOGUE, SEGMENTS, SCHEDULES), problems)
    rules, default = tuple(placed.rule for placed in read.rules), read.default or no_default
    try:
        problems.raise_if_any()
    except RulesError as error:
        return rules, default, [str(problem) for problem in error.problems]
    return rules, default, []


def one(fields: str) -> str:
    """Returns a file with a right rule in line 2 and another in line 3."""
    return (
        "rules:\n"
        "  - {id: first, verdict: review, because: B}\n"
        f"  - {{{fields}}}\n"
        "default: {verdict: permitted, because: D}\n"
    )


def test_a_whole_rule_is_read() -> None:
    """Every key of the language ends in the rule; roles are turned into this site's segments."""
    rules, default, problems = read(
        """\
rules:
  - id: social
    who: [staff]
    roles: [student]
    what:
      categories: [social_networking, unclassified]
      applications: [tiktok, unknown]
      protocols: [tls, bittorrent]
      accounts: [personal]
      evidence: [sni, ech]
    when: school
    verdict: prohibited
    clause: "4.1"
    because: So it is.
default: {verdict: review, because: D, clause: "9"}
"""
    )

    assert [] == problems
    assert (
        Rule(
            "social",
            Verdict.PROHIBITED,
            "So it is.",
            "4.1",
            segments=frozenset({"staff", "hs", "ms"}),
            categories=frozenset({"social_networking", "unclassified"}),
            applications=frozenset({"tiktok", "unknown"}),
            protocols=frozenset({"tls", "bittorrent"}),
            accounts=frozenset({Account.PERSONAL}),
            evidence=frozenset({Evidence.SNI, Evidence.ECH}),
            when=("school",),
        ),
    ) == rules
    assert Rule("default", Verdict.REVIEW, "D", "9") == default


def test_a_role_that_the_site_has_no_segment_for() -> None:
    """The rule is right and fits nobody; without who and roles it is for everyone."""
    rules, _, problems = read(one("id: a, verdict: review, because: B, roles: [guest]"))

    assert ([], [None, frozenset()]) == (problems, [rule.segments for rule in rules])


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ("id: a, verdict: forbidden, because: B", '"verdict": "forbidden" is not known; one of: incidental, permitted'),
        ("id: a, verdict: prohibitted, because: B, clause: C", 'did you mean "prohibited"?'),
        ("id: a, verdict: prohibited, because: B", 'this rule says prohibited and names no clause; add "clause:"'),
        ("id: a, verdict: incidental, because: B", 'this rule says incidental and names no clause; add "clause:"'),
        ("id: a, verdict: review", 'this rule has no "because"; add "because:"'),
        ("id: a, verdict: review, because: B, whom: [staff]", '"whom" is no key of this rule; did you mean "who"?'),
        ("id: a, verdict: review, because: B, who: [staf]", 'segment: "staf" is not known; did you mean "staff"?'),
        (
            "id: a, verdict: review, because: B, who: []",
            '"who" is an empty list; name at least one, or leave the key out',
        ),
        ("id: a, verdict: review, because: B, roles: [pupil]", 'role: "pupil" is not known; one of: device, guest'),
        ("id: a, verdict: review, because: B, when: [scool]", 'schedule: "scool" is not known; did you mean "school"?'),
        (
            "id: a, verdict: review, because: B, when: [school], unless: [school]",
            '"school" is under when and unless; keep',
        ),
        (
            "id: a, verdict: review, because: B, what: [gaming]",
            'this "what" is a list; write "key: value" lines; keys: categories',
        ),
        ("id: a, verdict: review, because: B, what: {category: [gaming]}", 'did you mean "categories"?'),
        ("id: a, verdict: review, because: B, what: {categories: [gamming]}", 'did you mean "gaming"?'),
        ("id: a, verdict: review, because: B, what: {applications: [tictok]}", 'did you mean "tiktok"?'),
        ("id: a, verdict: review, because: B, what: {protocols: [bitorrent]}", 'did you mean "bittorrent"?'),
        (
            "id: a, verdict: review, because: B, what: {accounts: [private]}",
            'account: "private" is not known; one of: board',
        ),
        ("id: a, verdict: review, because: B, what: {evidence: [sni, tls]}", 'evidence: "tls" is not known; one of: '),
        (
            "id: a, verdict: review, because: B, what: {categories: [gaming], applications: [tiktok]}",
            '"tiktok" is of category social_networking, which is not among the categories here; leave out',
        ),
        (
            "id: first, verdict: review, because: B",
            'the rule "first" stands in line 2 already; give each rule its own id',
        ),
        ("id: default, verdict: review, because: B", '"default" is what no rule fits; choose another id'),
        ("id: A, verdict: review, because: B", '"A" is no identifier; lower-case letters'),
        ("id: a, id: b, verdict: review, because: B", 'the key "id" stands here a second time'),
    ],
)
def test_one_fault_is_one_problem(fields: str, problem: str) -> None:
    """Each fault is told once, in line 3, with its remedy."""
    _, _, problems = read(one(fields))

    assert 1 == len(problems), problems
    assert problems[0].startswith("r.yaml:3: ")
    assert problem in problems[0]


@pytest.mark.parametrize(
    ("default", "problem"),
    [
        ("", 'r.yaml:1: this file of rules has no "default"; add "default:"'),
        ("default: {verdict: permitted}", 'r.yaml:2: this default has no "because"'),
        ("default: permitted", "r.yaml:2: this default is plain text"),
        ("default: {verdict: prohibited, because: B}", "r.yaml:2: this default says prohibited and names no clause"),
        ("default: {verdict: permitted, because: B, when: [school]}", 'r.yaml:2: "when" is no key of this default'),
    ],
)
def test_the_default_is_checked(default: str, problem: str) -> None:
    """There is always a last word, and it has its reason."""
    _, _, problems = read(f"rules: [{{id: a, verdict: review, because: B}}]\n{default}\n")

    assert 1 == len(problems), problems
    assert problems[0].startswith(problem)


def test_words_of_unread_files_are_not_complained_of() -> None:
    """When another file is broken, that is one problem; the words it would explain are not fifty more."""
    text = one(
        "id: a, verdict: review, because: B, who: [x], when: [y], what: {applications: [z], categories: [gaming]}"
    )

    _, _, problems = read(text, Vocabulary(None, None, None))

    assert [] == problems


def test_the_number_of_rules_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps of decisions are remembered, so rules are bounded, and the one too many is named."""
    monkeypatch.setattr(rules_file, "max_rules", 1)

    _, _, problems = read(one("id: a, verdict: review, because: B"))

    assert ["r.yaml:3: more than 1 rules; join those with the same verdict"] == problems
