"""A body and its headings -> a whole page of the agent, that needs nothing from elsewhere."""

from importlib import resources
from string import Template
from typing import Final

from agent import __version__
from agent.web.elements import Content, Markup, element, html, joined, link

_TEMPLATE: Final = Template(resources.files(__package__).joinpath("page.html").read_text("utf-8"))

PAGES: Final = (("./", "Now"), ("coverage", "Coverage"), ("notice", "Notice"), ("metrics", "Metrics"))
"""Addresses are relative, so that the page also works behind a proxy's prefix."""

LIVE: Final = Markup(
    '<script src="page.js" defer></script>\n<noscript><meta http-equiv="refresh" content="10"></noscript>'
)
"""For a page that keeps itself up to date, by its script or without."""


def shell(
    body: Content, heading: str, here: str, *, district: str = "", state: Content = "", head: Content = ""
) -> bytes:
    """The page.

    Args:
        body: What stands in its main part.
        heading: The page's title.
        here: Which of PAGES it is.
        district: Whose agent this is, or "".
        state: A word on how things are.
        head: Further elements of its head.
    """
    links = [
        element("a", name, href=target, aria_current="page") if target == here else link(target, name)
        for target, name in PAGES
    ]
    return _TEMPLATE.substitute(
        title=html(heading if heading == "Hallwatch" else f"{heading} – Hallwatch"),
        heading=html(heading),
        head=html(head),
        district=html(district),
        state=html(state),
        pages=joined(*links, between="\n").html,
        main=html(body),
        version=html(__version__),
    ).encode()
