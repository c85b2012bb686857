"""The Dockerfile's steps in a bare Debian, and what compose.yaml names against what is there. No Docker engine is needed."""

import ipaddress
import re
import shlex
import shutil
import socket
import ssl
import subprocess
import sys
from base64 import b64encode
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from agent.cli.main import main
from agent.cli.run import DEFAULT_LISTEN
from agent.web.passwords import hashed
from tests.demo import demo
from tests.deploy import debian_root
from tests.web.issued import authority

ROOT = Path(__file__).parent.parent.parent
DOCKER = ROOT / "deploy" / "docker"
COMPOSE = yaml.safe_load((DOCKER / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]


def mounts(service: str) -> dict[str, str]:
    """Of a service, what is mounted where: target -> source."""
    found = [volume.split(":") for volume in SERVICES[service]["volumes"]]
    return {parts[1]: parts[0] for parts in found}


def test_every_mounted_file_is_there() -> None:
    """A path that is not there would be made as an empty folder, and nobody told."""
    sources = [source for service in SERVICES for source in mounts(service).values()]
    named = [source for source in sources if source.startswith(".")]

    assert {"state", "prometheus", "grafana"} == set(sources) - set(named) == set(COMPOSE["volumes"])
    assert [] == [source for source in named if not (DOCKER / source).exists()]


def test_hallwatch_has_the_tap_and_no_more() -> None:
    """The host's network, the capabilities that the unit asks for too, and a disk it cannot write."""
    service = SERVICES["hallwatch"]
    unit = (ROOT / "deploy" / "systemd" / "hallwatch.service").read_text(encoding="utf-8")
    (asked,) = re.findall(r"^AmbientCapabilities=(.*)$", unit, re.MULTILINE)

    assert "host" == service["network_mode"]
    assert (["ALL"], asked.replace("CAP_", "").split()) == (service["cap_drop"], service["cap_add"])
    assert ["no-new-privileges:true"] == service["security_opt"]
    assert service["read_only"] is True
    assert service["mem_limit"] == service["memswap_limit"]
    assert ROOT == (DOCKER / service["build"]).resolve()
    assert "privileged" not in service


def test_its_settings_are_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    """The command reads the mounted file, which `--config.check` finds in order with the rules that are mounted."""
    command, mounted = SERVICES["hallwatch"]["command"], mounts("hallwatch")
    (file,) = [word.partition("=")[2] for word in command if word.startswith("--config.file=")]
    settings = DOCKER / mounted[file]
    rules = DOCKER / mounted[yaml.safe_load(settings.read_text(encoding="utf-8"))["rules"]]

    assert 0 == main(["run", "--config.file", str(settings), "--rules", str(rules), "--config.check"])
    assert DEFAULT_LISTEN in capsys.readouterr().out


def test_all_speak_on_loopback_alone() -> None:
    """With the host's network, an address that is not loopback would be the district's network."""
    (address,) = [word for word in SERVICES["prometheus"]["command"] if word.startswith("--web.listen-address=")]
    grafana = SERVICES["grafana"]["environment"]["GF_SERVER_HTTP_ADDR"]
    hosts = [address.partition("=")[2].rpartition(":")[0], grafana, DEFAULT_LISTEN.rpartition(":")[0]]

    assert {"host"} == {service["network_mode"] for service in SERVICES.values()}
    assert [True] * 3 == [ipaddress.ip_address(host).is_loopback for host in hosts]


def test_prometheus_and_grafana_find_their_files() -> None:
    """The scrape job, the data source and the dashboards are where the containers look."""
    prometheus, grafana = SERVICES["prometheus"], mounts("grafana")
    (config,) = [word.partition("=")[2] for word in prometheus["command"] if word.startswith("--config.file=")]
    folder, name = config.rsplit("/", 1)
    targets = yaml.safe_load((DOCKER / mounts("prometheus")[folder] / name).read_text(encoding="utf-8"))
    scraped = [
        target for job in targets["scrape_configs"] for one in job["static_configs"] for target in one["targets"]
    ]
    provisioning = DOCKER / grafana["/etc/grafana/provisioning"]
    (source,) = read(provisioning / "datasources")["datasources"]
    (provider,) = read(provisioning / "dashboards")["providers"]
    hosts = dict(pair.split(":", 1) for pair in SERVICES["grafana"]["extra_hosts"])
    asked = urlsplit(source["url"])

    assert DEFAULT_LISTEN in scraped
    assert f"--web.listen-address={hosts.get(str(asked.hostname))}:{asked.port}" in prometheus["command"]
    assert list((DOCKER / grafana[provider["options"]["path"]]).glob("*.json"))


def read(folder: Path) -> dict[str, Any]:
    """The one file of a folder of provisioning."""
    (file,) = folder.iterdir()
    return dict(yaml.safe_load(file.read_text(encoding="utf-8")))


def test_images_are_pinned() -> None:
    """An image without its version is another one next month."""
    images = [service["image"] for service in SERVICES.values() if "image" in service]

    assert [] == [image for image in images if not re.search(r":v?\d+\.\d+\.\d+$", image)]


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions, continued lines joined."""
    text = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in lines]


def words_of(name: str) -> list[str]:
    """The words of an instruction in its JSON form, of the last stage."""
    return [list(yaml.safe_load(text)) for instruction, text in instructions() if instruction == name][-1]


def health_check() -> list[str]:
    """The command of HEALTHCHECK."""
    (words,) = [yaml.safe_load(text.partition("CMD ")[2]) for name, text in instructions() if name == "HEALTHCHECK"]
    return list(words)


def is_healthy(port: int) -> bool:
    """What the health check finds at a port of this machine."""
    _, *words = health_check()
    (code,) = [word for word in words if "10484" in word]
    words[words.index(code)] = code.replace("10484", str(port))
    return subprocess.run([sys.executable, *words], capture_output=True, check=False, timeout=60).returncode == 0


@pytest.mark.parametrize("protection", ["", "users", "TLS and users"])
def test_an_agent_that_runs_is_healthy(protection: str, tmp_path: Path) -> None:
    """Also where the health check has neither the certificate nor the password that the web configuration asks for."""
    authority(tmp_path).issue("server", server=True)
    text = "tls_server_config: {cert_file: server.pem, key_file: server.key}\n" if "TLS" in protection else ""
    text += f"basic_auth_users: {{ann: {hashed(b'a secret', 4)}}}\n"
    file = tmp_path / "web.yml"
    file.write_text(text, encoding="utf-8")
    options = ["--web.config.file", str(file)] if protection else []
    trusted = ssl.create_default_context(cafile=tmp_path / "ca.pem")
    headers = {"Authorization": f"Basic {b64encode(b'ann:a secret').decode()}"}
    with demo(tmp_path, *options, context=trusted, headers=headers) as url:
        port = urlsplit(url).port
        assert port
        assert is_healthy(port)
    assert not is_healthy(port)


def test_an_agent_that_hangs_is_not() -> None:
    """The kernel still opens connections for it, and nobody answers."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert not is_healthy(silent.getsockname()[1])


def context(folder: Path) -> None:
    """What Docker would be given: only what .dockerignore lets in."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for name in (line[1:] for line in lines if line.startswith("!")):
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("_native.so", "__pycache__"))
        else:
            shutil.copy(source, target)


@pytest.mark.timeout(900)
def test_its_steps_in_a_bare_debian(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Each RUN succeeds in its order; the default command runs as the image's user; the health check finds it healthy."""
    root = debian_root.fresh(tmp_path_factory)
    debian_root.lend_pip(root)
    # What the base image has and a bare Debian has not: a Python called `python`, with venv.
    debian_root.run(
        root,
        "apt-get update; apt-get install --yes --no-install-recommends python3-venv; ln -s python3 /usr/bin/python",
    )
    context(root / "source")
    for instruction, text in instructions():
        if instruction == "RUN":
            debian_root.run(root, f"cd /source; {text}")
    (user,) = [text for instruction, text in instructions() if instruction == "USER"]
    path = next(text.partition("=")[2] for instruction, text in instructions() if instruction == "ENV").split()[0]
    start = shlex.join([*words_of("ENTRYPOINT"), *words_of("CMD")])
    health = health_check()
    begin = f"export PATH={path.replace('$PATH', '/usr/bin:/bin')}; as='setpriv --reuid={user} --clear-groups -- env HOME=/'"
    said = debian_root.run(
        root,
        f"""{begin}
$as {start} & daemon=$!
set +x
for _ in $(seq 150); do if $as {shlex.join(health)} 2>/dev/null; then break; fi; sleep 0.2; done
$as {shlex.join(health)}
kill $daemon; wait $daemon""",
        network=False,
    )

    assert "info ready" in said
    assert not (root / "usr/bin/gcc").exists()
