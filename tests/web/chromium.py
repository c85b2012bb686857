"""A headless Chromium, driven through chromedriver (https://www.w3.org/TR/webdriver2/); told apart by what it can be asked."""

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

PROGRAMS = ("chromium", "chromedriver")
SWITCHES = (
    *("headless=new", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-dev-shm-usage"),
    *("disable-background-networking", "disable-component-update", "disable-sync", "hide-scrollbars"),
)
"""Root has no sandbox; and a browser at rest asks its maker for news, which no test here is about."""

LUMINANCE = """
// Contrast of every text with what is behind it (WCAG 2.2, relative luminance), and of every drawn shape with its card.
const channel = c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
const rgb = text => text.match(/[\\d.]+/g).map(Number);
const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const ratio = (a, b) => { const [x, y] = [light(rgb(a)), light(rgb(b))].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05); };
const clear = colour => colour === "transparent" || (rgb(colour).length === 4 && rgb(colour)[3] === 0);
const behind = element => {
  for (; element; element = element.parentElement) {
    const colour = getComputedStyle(element).backgroundColor;
    if (!clear(colour)) return colour;
  }
  return "rgb(255, 255, 255)";
};
"""


class Browser:
    """One window."""

    def __init__(self, driver: Chrome) -> None:
        self.driver = driver

    def devtools(self, command: str, **arguments: Any) -> Any:
        """Asks the browser itself (Chrome DevTools Protocol)."""
        return self.driver.execute_cdp_cmd(command, arguments)

    def set_up(self, *, width: int = 1440, scheme: str = "light", scripts: bool = True) -> None:
        """A window of this width, a reader who prefers this scheme, with scripts or without."""
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.devtools("Emulation.setDeviceMetricsOverride", **metrics)
        features = [
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]
        self.devtools("Emulation.setEmulatedMedia", features=features)
        self.devtools("Emulation.setScriptExecutionDisabled", value=not scripts)

    def open(self, url: str) -> None:
        self.driver.get(url)

    def run(self, script: str, *arguments: Any) -> Any:
        """What a script returns."""
        return self.driver.execute_script(script, *arguments)

    def complaints(self) -> list[str]:
        """What the browser's console says since the last call: errors of scripts, refusals by the security policy."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """Every address asked for since the last call."""
        messages = (json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance"))
        return [
            message["params"]["request"]["url"]
            for message in messages
            if message["method"] == "Network.requestWillBeSent"
        ]

    def hosts(self) -> set[str]:
        """The same, as schemes and hosts; what has none (data:, about:) goes nowhere."""
        found = (urlsplit(url) for url in self.requests())
        return {f"{url.scheme}://{url.netloc}/" for url in found if url.netloc}


def missing() -> Sequence[str]:
    """What is not installed here."""
    return [program for program in PROGRAMS if shutil.which(program) is None]


@contextmanager
def chromium(folder: Path) -> Iterator[Browser]:
    """A browser with an empty profile in a folder; skips, aloud, where there is none."""
    if missing():
        pytest.skip(f"NO BROWSER HERE ({', '.join(missing())} not found): the page is not tested in one")
    options = ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    for switch in (*SWITCHES, f"user-data-dir={folder}"):
        options.add_argument(f"--{switch}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = Chrome(options=options, service=Service(shutil.which("chromedriver")))
    try:
        driver.set_page_load_timeout(60)
        yield Browser(driver)
    finally:
        driver.quit()
