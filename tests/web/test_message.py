"""Words of the web."""

from agent.web.message import SECURITY_HEADERS, Response, plain


def test_plain_text_for_people() -> None:
    """A line of text ends as lines do, and is labelled as UTF-8."""
    expected = Response(405, "nur GET für Menschen\n".encode(), "text/plain; charset=utf-8", (("Allow", "GET"),))
    assert expected == plain(405, "nur GET für Menschen", ("Allow", "GET"))


def test_the_policy_lets_nothing_in_from_elsewhere() -> None:
    """Every source of the Content-Security-Policy is this listener or nobody."""
    policy = dict(SECURITY_HEADERS)["Content-Security-Policy"]
    assert {"'none'", "'self'"} == {source for part in policy.split("; ") for source in part.split(" ")[1:]}
