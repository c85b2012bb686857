"""The page in a real browser, with the demo behind it: what people see, hear and can do."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.demo import demo
from tests.web.chromium import LUMINANCE, Browser, chromium

TIMEOUT_S = 30.0
WIDTHS = (360, 768, 1024, 1440)
PAGES = ("", "coverage", "notice")

TEXTS = (
    LUMINANCE
    + """
const found = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  if (!walker.currentNode.data.trim() || element.closest("noscript, script") || !element.getClientRects().length) continue;
  const style = getComputedStyle(element);
  const large = parseFloat(style.fontSize) >= 24;
  const contrast = ratio(style.color, behind(element));
  if (contrast < (large ? 3 : 4.5)) found.push(`${contrast.toFixed(2)} ${walker.currentNode.data.trim().slice(0, 40)}`);
}
return found;
"""
)
"""Texts below the contrast of WCAG 2.2, 1.4.3 (AA)."""

SHAPES = (
    LUMINANCE
    + """
const found = {};
for (const shape of document.querySelectorAll("svg [class]:not(.grid):not(.unseen)"))
  found[shape.getAttribute("class")] = ratio(getComputedStyle(shape).fill, behind(shape.closest("section")));
return found;
"""
)
"""Contrast of what is drawn with its card; WCAG 2.2, 1.4.11 asks for 3."""


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The demo; its URL."""
    with demo(tmp_path_factory.mktemp("demo"), "--district", "darien") as url:
        yield url


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all tests here: to start it takes longer than they do."""
    with chromium(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture
def browser(window: Browser) -> Iterator[Browser]:
    """With its logs empty. Whatever the test did, the console had nothing to complain of."""
    window.set_up()
    window.open("about:blank")
    window.complaints()
    window.requests()
    yield window
    assert [] == window.complaints()


def until(condition: Callable[[], Any]) -> Any:
    """Waits for something that is true, and returns it."""
    end = time.monotonic() + TIMEOUT_S
    while not (found := condition()):
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.1)
    return found


def seen(browser: Browser) -> int:
    """Frames seen, as the page says."""
    row = 'Array.from(document.querySelectorAll("[aria-labelledby=gate] tbody tr")).map(row => row.cells[1].textContent)[0]'
    return int(browser.run(f"return {row}").replace(",", ""))


def busy(browser: Browser, agent: str) -> None:
    """Opens the page once there is something in every chart."""

    def charts() -> bool:
        browser.open(agent)
        return bool(browser.run('return document.querySelectorAll("svg.spark path:not(.grid)").length > 5'))

    until(charts)


def test_charts_have_data(browser: Browser, agent: str) -> None:
    """Areas by verdict, a small chart for each category, bars: all with a size on the screen."""
    busy(browser, agent)
    boxes = browser.run(
        'return Array.from(document.querySelectorAll(".drawing svg path:not(.grid), svg.spark path:not(.grid), rect.unopened"))'
        ".map(shape => shape.getBoundingClientRect()).map(box => [box.width, box.height])"
    )

    assert len(boxes) > 8
    assert all(width > 0 for width, _ in boxes)
    assert any(height > 20 for _, height in boxes)


def test_it_renews_itself(browser: Browser, agent: str) -> None:
    """Counts go on without a new load; what the reader has unfolded, focused and scrolled to stays so."""
    busy(browser, agent)
    browser.run(
        'window.mark = 1; document.querySelector("details").open = true; document.querySelector("a[href=notice]").focus();'
        " window.scrollTo(0, 300);"
    )
    before = seen(browser)
    until(lambda: seen(browser) > before)
    kept = 'return [window.mark, document.querySelector("details").open, document.activeElement.getAttribute("href"), window.scrollY]'

    assert [1, True, "notice", 300] == browser.run(kept)


def test_pause(browser: Browser, agent: str) -> None:
    """A pressed button says so and holds the counts; pressed again, they go on."""
    busy(browser, agent)
    before = seen(browser)
    until(lambda: seen(browser) > before)
    browser.run('document.getElementById("pause").click()')
    assert "true" == browser.run('return document.getElementById("pause").getAttribute("aria-pressed")')
    time.sleep(2.5)  # an answer that was on its way has come
    before = seen(browser)
    time.sleep(4.5)  # two rounds
    assert before == seen(browser)
    browser.run('document.getElementById("pause").click()')
    until(lambda: seen(browser) > before)


@pytest.mark.parametrize("page", PAGES)
def test_nobody_else_is_asked(browser: Browser, agent: str, page: str) -> None:
    """No request leaves the agent, also while the page renews itself."""
    browser.open(agent + page)
    time.sleep(5)

    assert {agent} == browser.hosts()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("page", PAGES)
def test_no_sideways_scrolling(browser: Browser, agent: str, page: str, width: int) -> None:
    """The page is as wide as the window, and no table of figures is wider than its card (WCAG 2.2, 1.4.10)."""
    browser.set_up(width=width)
    if page:
        browser.open(agent + page)
    else:
        busy(browser, agent)

    assert width == browser.run("return document.documentElement.scrollWidth")
    if not page:
        wide = (
            'return Array.from(document.querySelectorAll(".scroll")).filter(part => part.scrollWidth > part.clientWidth)'
            '.map(part => part.getAttribute("aria-label"))'
        )
        assert [] == browser.run(wide)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("page", PAGES)
def test_contrast(browser: Browser, agent: str, page: str, scheme: str) -> None:
    """Every text is readable, and everything drawn can be told from its card."""
    browser.set_up(scheme=scheme)
    if page:
        browser.open(agent + page)
    else:
        busy(browser, agent)
        browser.run('document.querySelectorAll("details").forEach(part => { part.open = true; })')
        shapes = browser.run(SHAPES)
        assert {"permitted", "unopened", "opened", "plain"} <= shapes.keys()
        assert [] == [(kind, ratio) for kind, ratio in shapes.items() if ratio < 3]

    assert [] == browser.run(TEXTS)


def test_both_schemes_differ(browser: Browser, agent: str) -> None:
    """The reader's wish is followed: light on dark, dark on light."""
    colours = []
    for scheme in ("light", "dark"):
        browser.set_up(scheme=scheme)
        browser.open(agent)
        colours.append(browser.run("return getComputedStyle(document.documentElement).backgroundColor"))

    assert colours[0] != colours[1]


def test_by_keyboard(browser: Browser, agent: str) -> None:
    """Tab reaches the way past the navigation first, then every link, button and summary, in the order of the page."""
    busy(browser, agent)
    wanted = browser.run(
        'return Array.from(document.querySelectorAll("a[href], button, summary, [tabindex]"))'
        ".filter(one => one.checkVisibility()).map(one => one.outerHTML.slice(0, 60))"
    )
    reached = []
    for _ in wanted:
        for kind in ("keyDown", "keyUp"):
            browser.devtools("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
        reached.append(browser.run("return document.activeElement.outerHTML.slice(0, 60)"))
        assert "none" != browser.run("return getComputedStyle(document.activeElement).outlineStyle"), reached[-1]

    assert wanted == reached
    assert "skip" in reached[0]
    assert {"coverage", "notice", "metrics"} <= {word for one in reached for word in one.split('"')}


def test_as_a_screen_reader_hears_it(browser: Browser, agent: str) -> None:
    """Landmarks, one first heading, named regions and images, tables with heads; a table stays one on a small screen."""
    browser.set_up(width=360)
    busy(browser, agent)
    browser.devtools("Accessibility.enable")
    nodes = browser.devtools("Accessibility.getFullAXTree")["nodes"]
    browser.devtools("Accessibility.disable")
    heard = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if not node["ignored"]]
    roles = [role for role, _ in heard]

    assert {"banner", "navigation", "main", "contentinfo", "status"} <= set(roles)
    assert 8 == roles.count("region")
    assert [] == [
        role for role, name in heard if role in {"region", "image", "link", "button", "navigation"} and not name
    ]
    assert any(role == "image" and name.startswith("Traffic by verdict over the last hour: ") for role, name in heard)
    assert ("columnheader", "Category") in heard
    assert ("rowheader", "Education") in heard


def test_without_scripts(browser: Browser, agent: str) -> None:
    """Everything is there: the same sections, charts and numbers; and the page asks to be loaded again by itself."""
    busy(browser, agent)
    browser.run('document.getElementById("pause").click()')
    outline = 'return [document.querySelectorAll("section").length, document.querySelectorAll("svg").length > 20]'
    with_scripts = browser.run(outline)
    browser.set_up(scripts=False)
    browser.open(agent)
    browser.set_up(scripts=True)  # for the question only: the page was loaded without
    assert with_scripts == browser.run(outline)
    assert browser.run('return document.getElementById("pause") === null')
    assert browser.run("return document.querySelector('meta[http-equiv=refresh]') !== null")


def test_an_agent_that_goes_away(window: Browser, tmp_path: Path) -> None:
    """The last counts stay, and the page says since when nothing new has come; it recovers by itself."""
    window.set_up()
    with demo(tmp_path) as url:
        window.open(url)
        until(lambda: window.run('return document.getElementById("state").textContent') == "Counting")
        shown = seen(window)
    until(lambda: "Not reached since" in window.run('return document.getElementById("state").textContent'))
    assert seen(window) >= shown
    port = url.rstrip("/").rpartition(":")[2]
    with demo(tmp_path, "--web.listen-address", f"127.0.0.1:{port}"):
        until(lambda: window.run('return document.getElementById("state").textContent') == "Counting")
    window.complaints()
