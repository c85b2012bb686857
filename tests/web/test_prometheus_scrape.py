"""docs/web-config.md as it stands: its commands, its two files, and a real Prometheus that scrapes a running daemon."""

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote
from urllib.request import urlopen

import pytest
import yaml

from tests.free_port import free_port

ROOT = Path(__file__).parent.parent.parent
ALERTS = {
    rule["alert"]: rule["expr"]
    for group in yaml.safe_load((ROOT / "deploy" / "prometheus" / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
}
DOCUMENT = (ROOT / "docs" / "web-config.md").read_text(encoding="utf-8")
START = "import sys; from agent.cli.main import main; sys.exit(main())"
WAIT_S = 60
INTERVAL_S = 3
"""Also what a scrape may take: on a busy machine a second is not enough for a handshake and a password."""

Query = Callable[[str], list[float]]


def blocks(language: str) -> list[str]:
    """The code blocks of the document in a language."""
    return re.findall(rf"```{language}\n(.*?)```", DOCUMENT, re.DOTALL)


def wait_for(what: Callable[[], bool], *, why: str) -> None:
    """Wait until it is so; fail with the reason when it is not in time."""
    deadline = time.monotonic() + WAIT_S
    while not what():
        assert time.monotonic() < deadline, why
        time.sleep(0.2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder where the documented commands have been run and the documented files lie, and a user's password."""
    for program in ("openssl", "prometheus", "sh"):
        if shutil.which(program) is None:
            pytest.skip(f"there is no {program} here")
    (commands,) = blocks("sh")
    subprocess.run(["sh", "-e", "-c", commands], cwd=tmp_path, check=True, capture_output=True, timeout=60)
    server, _ = blocks("yaml")
    made = subprocess.run(
        [sys.executable, "-c", START, "password", "prometheus", "--cost", "10"],
        cwd=ROOT,
        input="correct horse\n",
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    (tmp_path / "web-config.yml").write_text(server + made.stdout)
    (tmp_path / "prometheus.password").write_text("correct horse")
    return tmp_path


@pytest.fixture
def daemon(folder: Path) -> Iterator[int]:
    """The demo's daemon with that configuration; its port."""
    port = free_port()
    words = ["run", "--demo", "--web.listen-address", f"127.0.0.1:{port}"]
    command = [sys.executable, "-c", START, *words, "--web.config.file", str(folder / "web-config.yml")]
    log = folder / "hallwatch.log"
    with log.open("w") as stderr, subprocess.Popen(command, cwd=ROOT, stderr=stderr) as process:
        try:
            wait_for(lambda: f"ready url=https://127.0.0.1:{port}/" in log.read_text(), why="the daemon did not start")
            yield port
        finally:
            process.terminate()


@pytest.fixture
def query(folder: Path, daemon: int) -> Iterator[Query]:
    """A Prometheus that scrapes the daemon by the documented job, more often; asks it and returns the values."""
    _, job = blocks("yaml")
    configuration = yaml.safe_load(job)
    (scraped,) = configuration["scrape_configs"]
    (target,) = scraped["static_configs"]
    assert ["127.0.0.1:10484"] == target["targets"]
    target["targets"] = [f"127.0.0.1:{daemon}"]
    scraped["scrape_interval"] = scraped["scrape_timeout"] = f"{INTERVAL_S}s"
    (folder / "prometheus.yml").write_text(yaml.safe_dump(configuration))
    port = free_port()
    command = ["prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=data"]
    with (
        (folder / "prometheus.log").open("w") as stderr,
        subprocess.Popen([*command, f"--web.listen-address=127.0.0.1:{port}"], cwd=folder, stderr=stderr) as process,
    ):

        def ask(expression: str) -> list[float]:
            try:
                with urlopen(f"http://127.0.0.1:{port}/api/v1/query?query={quote(expression)}", timeout=10) as answer:
                    found = json.load(answer)
            except OSError:  # it has not come up yet
                return []
            return [float(series["value"][1]) for series in found["data"]["result"]]

        try:
            yield ask
        finally:
            process.terminate()


def renew(folder: Path, *, days: int) -> None:
    """Puts a new certificate of the tap in the place of the old one, by the documented command."""
    command = next(command for command in blocks("sh")[0].split("\nopenssl ") if "-keyout tap.key" in command)
    words = command.replace("-days 365", f"-days {days}").replace("-keyout tap.key -out tap.pem", "-keyout k -out c")
    subprocess.run(["sh", "-e", "-c", f"openssl {words}"], cwd=folder, check=True, capture_output=True, timeout=60)
    (folder / "k").replace(folder / "tap.key")
    (folder / "c").replace(folder / "tap.pem")


@pytest.mark.timeout(300)
def test_a_real_prometheus(folder: Path, query: Query) -> None:
    """TLS, its certificate and its password let Prometheus in; a new certificate and a new password take without a restart."""
    wait_for(lambda: query('up{job="hallwatch"}') == [1], why=(folder / "prometheus.log").read_text())
    began = time.monotonic()
    assert [1] == query("hallwatch_web_config_last_reload_successful")
    assert [0] == query('hallwatch_web_refused_total{reason="password"}')
    first = query("hallwatch_web_certificate_expiry_timestamp_seconds")
    assert 364 * 86_400 < first[0] - time.time() < 366 * 86_400
    assert query("hallwatch_gate_seen_packets_total") != []

    renew(folder, days=700)
    wait_for(
        lambda: query("hallwatch_web_certificate_expiry_timestamp_seconds") > first,
        why="the new certificate was not taken",
    )
    window_s = max(1, int(time.monotonic() - began))
    assert [1] == query(f'min_over_time(up{{job="hallwatch"}}[{window_s}s])'), "a scrape was missed"

    configuration = folder / "web-config.yml"
    with_user = configuration.read_text()
    configuration.write_text(with_user.replace('"prometheus":', '"somebody":'))
    wait_for(lambda: query('up{job="hallwatch"}') == [0], why="a user who was removed is still let in")
    configuration.write_text(with_user)
    wait_for(lambda: query('up{job="hallwatch"}') == [1], why="a user who was added is not let in")
    wait_for(
        lambda: query('hallwatch_web_refused_total{reason="password"} > 0') != [],
        why="who was turned away was not counted",
    )


@pytest.mark.timeout(300)
def test_its_alerts_ring(folder: Path, query: Query) -> None:
    """A version that cannot be used, and a certificate that runs out in ten days: the shipped rules see each, and its end."""
    expires, refused = ALERTS["HallwatchCertificateExpires"], ALERTS["HallwatchWebConfigReloadFailed"]
    wait_for(lambda: query('up{job="hallwatch"}') == [1], why=(folder / "prometheus.log").read_text())
    assert ([], []) == (query(expires), query(refused))

    renew(folder, days=10)
    wait_for(lambda: query(expires) != [], why="a certificate of ten days rings no alarm")
    assert 9 * 86_400 < query(expires)[0] < 10 * 86_400
    assert [] == query(refused)
    renew(folder, days=365)
    wait_for(lambda: query(expires) == [], why="the alarm goes on although the certificate is a new one")

    configuration = folder / "web-config.yml"
    good = configuration.read_text()
    configuration.write_text("tls_server_config: nonsense\n")
    wait_for(lambda: query(refused) == [0], why="a version that cannot be used rings no alarm")
    configuration.write_text(good)
    wait_for(lambda: query(refused) == [], why="the alarm goes on although the file is mended")
