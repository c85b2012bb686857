"""A web configuration's bytes, good and bad."""

import ssl
from pathlib import Path

import pytest

from agent.policy.problems import Problems, RulesError
from agent.web.web_config import ClientAuth, RateLimit, WebConfig, parse_web_config

HASH = "$2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG"
"""The example in the exporter-toolkit's documentation."""
TLS = "tls_server_config:\n  cert_file: tap.pem\n  key_file: /keys/tap.key\n"
VERIFYING = f"{TLS}  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n"


def read(text: str) -> tuple[WebConfig, list[str]]:
    """The configuration, and its problems as lines."""
    problems = Problems()
    config = parse_web_config(text.encode(), "web.yml", Path("/etc/hallwatch"), problems)
    try:
        problems.raise_if_any()
    except RulesError as error:
        return config, str(error).splitlines()
    return config, []


def test_everything_at_once() -> None:
    """Each key that has an effect arrives, with Go's names in OpenSSL's words and paths from the file's folder."""
    config, problems = read(f"""\
{VERIFYING}  client_allowed_sans: [prometheus.example.org, 10.0.9.3]
  min_version: TLS12
  max_version: TLS12
  cipher_suites: [TLS_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384]
  prefer_server_cipher_suites: false
  curve_preferences: [CurveP384]
http_server_config:
  http2: true
  headers:
    Strict-Transport-Security: max-age=31536000
    X-Frame-Options: deny
basic_auth_users:
  prometheus: {HASH}
rate_limit:
  interval: 1m30.5s
  burst: 20
""")

    assert [] == problems
    assert config.tls is not None
    assert (Path("/etc/hallwatch/tap.pem"), Path("/keys/tap.key"), Path("/etc/hallwatch/ca.pem")) == config.named
    assert ClientAuth.REQUIRE is config.tls.client_auth
    assert {"prometheus.example.org", "10.0.9.3"} == config.tls.allowed_names
    assert (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2) == (config.tls.min_version, config.tls.max_version)
    assert ("ECDHE-RSA-AES256-GCM-SHA384",) == config.tls.ciphers
    assert (False, "secp384r1") == (config.tls.prefer_own_ciphers, config.tls.curve)
    assert (("Strict-Transport-Security", "max-age=31536000"), ("X-Frame-Options", "deny")) == config.headers
    assert {"prometheus": HASH} == config.users
    assert RateLimit(90.5, 20) == config.rate_limit


def test_defaults() -> None:
    """What is left out is as in Go: no client certificate, TLS 1.2 and 1.3, no users, no rate."""
    config, problems = read(TLS)

    assert [] == problems
    assert config.tls is not None
    assert (ClientAuth.NONE, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3) == (
        *(config.tls.client_auth, config.tls.min_version),
        config.tls.max_version,
    )
    assert ((), None, True) == (config.tls.ciphers, config.tls.curve, config.tls.prefer_own_ciphers)
    assert ({}, (), None) == (config.users, config.headers, config.rate_limit)


def test_nothing_on_purpose() -> None:
    """{} protects nothing; an interval of 0 is no limit."""
    assert (WebConfig(), []) == read("{}")
    assert (WebConfig(), []) == read("rate_limit: {interval: 0, burst: 0}")


@pytest.mark.parametrize("text", ["", "\n", "# only a remark\n"])
def test_an_empty_file_opens_nothing(text: str) -> None:
    """What an editor or a full disk leaves behind is refused."""
    assert ["web.yml: the file is empty, and would leave the listener open to all"] == [
        problem.partition(";")[0] for problem in read(text)[1]
    ]


def test_all_problems_with_their_lines() -> None:
    """Several mistakes are told at once."""
    _, problems = read(f"""\
tls_server_config:
  cert_file: tap.pem
  min_version: TLS10
basic_auth_users:
  prometheus: secret
htp_server_config: {{}}
rate_limit: {{interval: soon, burst: 1}}
http_server_config:
  headers: {{Server: x}}
  http3: {HASH}
""")

    assert [f"web.yml:{line}" for line in (2, 3, 5, 6, 7, 9, 10)] == [
        ":".join(problem.split(":")[:2]) for problem in problems
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"{TLS}  cert: |\n    PEM\n", ("web.yml:4", '"cert" holds PEM text', '"cert_file"')),
        (f"{TLS}  key: PEM", ('"key_file"',)),
        (f"{TLS}  client_ca: PEM", ('"client_ca_file"',)),
        (f"{TLS}  client_auth_type: RequireAnyClientCert", ("anybody made", '"RequireAndVerifyClientCert"')),
        (f"{TLS}  client_auth_type: RequireAndVerifyClientCert", ("every public one", '"client_ca_file"')),
        (f"{TLS}  client_auth_type: VerifyClientCertIfGiven", ("every public one",)),
        (f"{TLS}  client_auth_type: Require", ("not known",)),
        (f"{TLS}  client_ca_file: ca.pem", ("none is verified",)),
        (f"{TLS}  client_allowed_sans: [a]", ("no certificate is required",)),
        (f"{TLS}  min_version: TLS11", ("RFC 8996",)),
        (f"{TLS}  min_version: TLS13\n  max_version: TLS12", ("above max_version",)),
        (f"{TLS}  cipher_suites: [TLS_RSA_WITH_AES_128_CBC_SHA]", ("not offered",)),
        (f"{TLS}  cipher_suites: [TLS_AES_128_GCM_SHA256]", ("cannot be chosen",)),
        (f"{TLS}  curve_preferences: [X25519, CurveP256]", ("several curves", "name one")),
        (f"{TLS}  curve_preferences: [X448]", ("not known",)),
        (f"{TLS}  prefer_server_cipher_suites: maybe", ("not known",)),
        ("tls_server_config: {key_file: k}", ('has no "cert_file"',)),
        ("tls_server_config: []", ("a list",)),
        ("http_server_config: {http2: 2}", ("not known",)),
        ("http_server_config: {headers: {X-Frame-Options: always}}", ("say deny or sameorigin",)),
        ('http_server_config: {headers: {Strict-Transport-Security: "a\\nSet-Cookie: b"}}', ("plain ASCII",)),
        ("http_server_config: {headers: {Strict-Transport-Security: }}", ("plain ASCII",)),
        (f"http_server_config: {{headers: {{Strict-Transport-Security: {'x' * 4097}}}}}", ("at most 4096",)),
        ("basic_auth_users:", ("nothing where named entries belong",)),
        ("basic_auth_users: {}", ("would let everybody in",)),
        (f"basic_auth_users: {{a:b: {HASH}}}", ("no name of a user",)),
        ("basic_auth_users: {a: [b]}", ("no bcrypt hash",)),
        (f"basic_auth_users: {{a: {HASH.replace('$10$', '$15$')}}}", ("the cost of this user's hash is 15",)),
        (f"basic_auth_users: {{a: {HASH.replace('$10$', '$03$')}}}", ("the cost of this user's hash is 3",)),
        (f"basic_auth_users: {{a: {HASH[:-1]}}}", ("no bcrypt hash",)),
        ("rate_limit: {interval: 1s, burst: 0}", ("nothing would ever be answered",)),
        ("rate_limit: {interval: 1s}", ('has no "burst"',)),
    ],
)
def test_refused_by_name(text: str, words: tuple[str, ...]) -> None:
    """What cannot be is told in one line that says what would be right."""
    (problem,) = read(text)[1]

    assert [] == [word for word in words if word not in problem]


def test_a_user_too_many() -> None:
    """Up to a hundred users."""
    lines = [f"  user{number}: {HASH}" for number in range(101)]
    assert [] == read("\n".join(("basic_auth_users:", *lines[:100])))[1]
    (problem,) = read("\n".join(("basic_auth_users:", *lines)))[1]
    assert "more than 100 users" in problem


def test_no_message_repeats_a_password() -> None:
    """Somebody writes the password where its hash belongs: it must not end up in a log."""
    _, problems = read("basic_auth_users:\n  prometheus: correct-horse\n  prometheus2: [battery-staple]\n")

    assert 2 == len(problems)
    assert not any("correct-horse" in problem or "battery-staple" in problem for problem in problems)


@pytest.mark.parametrize("cut", range(0, len(VERIFYING), 7))
def test_every_cut_is_a_value_or_problems(cut: int) -> None:
    """Half a file raises nothing."""
    config, problems = read(VERIFYING[:cut])

    assert problems or config.tls is not None


KEYS = (
    *("tls_server_config", "http_server_config", "basic_auth_users", "rate_limit"),
    *(f"tls_server_config.{key}" for key in ("cert_file", "key_file", "client_auth_type", "client_ca_file")),
    *(
        f"tls_server_config.{key}"
        for key in ("client_allowed_sans", "min_version", "cipher_suites", "curve_preferences")
    ),
    *("http_server_config.http2", "http_server_config.headers", "http_server_config.headers.X-Frame-Options"),
    *("basic_auth_users.a", "rate_limit.interval", "rate_limit.burst"),
)


@pytest.mark.parametrize("value", ["", "[]", "{}", "[{}]", "{a: [b]}", "x", "[[x]]", "9" * 400, "-1", '"\\u0085"'])
@pytest.mark.parametrize("key", KEYS)
def test_odd_values_are_told_of(key: str, value: str) -> None:
    """Whatever stands where something else belongs: a configuration or problems, and nothing is raised."""
    text = f"{key.replace('.', ': {')}: {value}" + "}" * key.count(".")
    config, problems = read(text)

    assert isinstance(config, WebConfig)
    assert all(problem.startswith("web.yml:1: ") for problem in problems)
