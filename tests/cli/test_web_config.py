"""--web.config.file on a command line: `run` and `check` with one that can be used, and one that cannot."""

import argparse
from pathlib import Path

import pytest

from agent.cli.main import main
from agent.cli.outcome import UsageError
from agent.cli.web_config import add_web_config_option, examined
from tests.web.issued import Authority, authority

TLS = "tls_server_config: {cert_file: server.pem, key_file: server.key}\n"
BAD = "tls_server_config:\n  cert_file: gone.pem\n  key_file: server.key\nbasic_auth_users: {a: b}\n"


@pytest.fixture
def ca(tmp_path: Path) -> Authority:
    """A CA with a server's certificate, in the folder of the configuration."""
    made = authority(tmp_path)
    made.issue("server", server=True)
    return made


def written(ca: Authority, text: str) -> Path:
    """A web configuration beside the certificates."""
    path = ca.folder / "web.yml"
    path.write_text(text)
    return path


def test_the_option() -> None:
    """A path, or none."""
    parser = argparse.ArgumentParser()
    add_web_config_option(parser, "what it is for")
    assert None is parser.parse_args([]).web_config
    assert Path("web.yml") == parser.parse_args(["--web.config.file", "web.yml"]).web_config


def test_examined(ca: Authority, capsys: pytest.CaptureFixture[str]) -> None:
    """Doubts are returned; what is wrong ends it, told line by line."""
    assert () == tuple(examined(written(ca, TLS)))
    (ca.folder / "server.key").chmod(0o644)
    assert 1 == len(examined(written(ca, TLS)))
    with pytest.raises(UsageError, match=r"2 problem\(s\), listed above"):
        examined(written(ca, BAD))
    lines = capsys.readouterr().err.splitlines()
    assert [f"{ca.folder / 'web.yml'}:{line}: " for line in (2, 4)] == [line[: line.index(" ") + 1] for line in lines]


def test_check(ca: Authority, capsys: pytest.CaptureFixture[str]) -> None:
    """It is examined beside the rules, and said to be in order, with its doubts."""
    path = written(ca, TLS)
    assert 0 == main(["check", "--web.config.file", str(path)])
    assert capsys.readouterr().out.endswith(f"{path}: in order\n")
    (ca.folder / "server.key").chmod(0o644)
    assert 0 == main(["check", "--web.config.file", str(path)])
    assert "but " in capsys.readouterr().out


def test_check_tells_both(ca: Authority, own_rules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Mistakes in the configuration and in the rules are told at once."""
    path = written(ca, BAD)
    assert 2 == main(["check", "--web.config.file", str(path)])
    assert capsys.readouterr().err.endswith("the web configuration cannot be used: 2 problem(s), listed above\n")
    rules = own_rules / "rules.yaml"
    rules.write_text(rules.read_text().replace("categories: [adult]", "categories: [adlut]"))
    assert 2 == main(["check", "--rules", str(own_rules), "--web.config.file", str(path)])
    told = capsys.readouterr().err
    assert "gone.pem" in told
    assert "adlut" in told


def test_run_does_not_start_with_a_bad_one(ca: Authority, capsys: pytest.CaptureFixture[str]) -> None:
    """File and line, and what is wrong; nothing was attached or listened on."""
    path = written(ca, BAD)
    for source in (["--demo"], ["-i", "no-such-interface"]):
        assert 2 == main(["run", *source, "--web.config.file", str(path), "--web.listen-address", "127.0.0.1:0"])
        assert f"{path}:2: " in capsys.readouterr().err
