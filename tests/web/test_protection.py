"""What protects the listener, while its files change under it."""

import os
import ssl
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.log import EventLog
from agent.web.protection import MAX_FILE_BYTES, Protection, ProtectionFile, load, warnings
from agent.web.web_config import WebConfigError
from tests.web.issued import Authority

HASH = "$2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG"
TLS = "tls_server_config: {cert_file: server.pem, key_file: server.key}\n"
USERS = f"basic_auth_users: {{prometheus: {HASH}}}\n"

Write = Callable[[str], Path]


def opened(path: Path) -> ProtectionFile:
    """The file, of which a change counts at once."""
    return ProtectionFile(path, EventLog("hallwatch.web"), settle_s=0)


def in_force(file: ProtectionFile) -> bool:
    """Whether the newest version is."""
    return file.state.successful


def test_it_is_read_again_when_it_changes(write: Write, caplog: pytest.LogCaptureFixture) -> None:
    """Users come and go; TLS stays what it is, so that connections do."""
    caplog.set_level("INFO")
    file = opened(write(TLS))
    context = file.current().context
    write(TLS + USERS)
    assert {"prometheus": HASH} == file.current().config.users
    assert context is file.current().context
    write(TLS)
    assert {} == file.current().config.users
    assert ["web_config_reloaded"] * 2 == [record.getMessage() for record in caplog.records]


def test_tls_comes_and_goes(write: Write) -> None:
    """From plain HTTP to HTTPS and back."""
    file = opened(write("{}"))
    assert None is file.current().context
    write(TLS)
    assert isinstance(file.current().context, ssl.SSLContext)
    write("{}")
    assert Protection() == file.current()


def test_a_new_certificate_is_taken(write: Write, ca: Authority) -> None:
    """The configuration stays; a certificate under the same name is another context with another end."""
    file = opened(write(TLS))
    before = file.current()
    ca.issue("server", server=True, days=90)
    after = file.current()
    assert before.context is not after.context
    assert before.runs_out_s is not None
    assert after.runs_out_s is not None
    assert 60 * 86_400 == pytest.approx(after.runs_out_s - before.runs_out_s, abs=60)
    assert after is file.current()


def test_a_bad_change_leaves_the_old_one(write: Write, caplog: pytest.LogCaptureFixture) -> None:
    """It is told once, the state says so, and the next good one mends it."""
    caplog.set_level("INFO")
    file = opened(write(TLS + USERS))
    before = file.current()
    for text in (TLS + "basic_auth_users: {a: b}\n", "", "nonsense: [", TLS.replace("server.pem", "gone.pem")):
        write(text)
        for _ in range(3):
            assert before is file.current()
        assert not in_force(file)
    write(TLS)
    assert {} == file.current().config.users
    assert in_force(file)
    events = [record.getMessage() for record in caplog.records]
    assert [*["web_config_refused"] * 4, "web_config_reloaded"] == events


def test_a_file_that_was_missing_comes(write: Write, ca: Authority) -> None:
    """A certificate that the new configuration names and that is put there later is noticed, without another change."""
    file = opened(write(TLS))
    write(TLS.replace("server.", "next."))
    before = file.current()
    assert not in_force(file)
    ca.issue("next", server=True)
    assert before is not file.current()
    assert in_force(file)
    assert (ca.folder / "next.pem", ca.folder / "next.key") == file.current().config.named


def test_a_certificate_before_its_key(write: Write, ca: Authority) -> None:
    """Renewal writes one file after the other; between them the old pair stays."""
    file = opened(write(TLS))
    before = file.current().context
    new = ca.issue("new", server=True)
    (ca.folder / "server.pem").write_bytes(new.read_bytes())
    assert before is file.current().context
    assert not in_force(file)
    (ca.folder / "server.key").write_bytes(new.with_suffix(".key").read_bytes())
    assert before is not file.current().context
    assert in_force(file)


def test_a_file_that_is_gone(write: Write) -> None:
    """Removing the configuration does not open the listener."""
    path = write(TLS + USERS)
    file = opened(path)
    path.unlink()
    assert {"prometheus": HASH} == file.current().config.users
    assert not in_force(file)


def test_half_a_file_is_not_read(write: Write) -> None:
    """What was written a moment ago is left alone; a file from the future is not waited for."""
    path = write(TLS + USERS)
    file = ProtectionFile(path, EventLog("hallwatch.web"), settle_s=3600)
    write("{}")
    assert {"prometheus": HASH} == file.current().config.users
    os.utime(path, (time.time() + 100, time.time() + 100))
    assert {} == file.current().config.users


def test_a_start_that_cannot_be(write: Write, tmp_path: Path) -> None:
    """Absent, too large, wrong: the error says it all."""
    with pytest.raises(WebConfigError, match=r"none\.yml: No such file"):
        opened(tmp_path / "none.yml")
    with pytest.raises(WebConfigError, match="larger than"):
        opened(write("#" * (MAX_FILE_BYTES + 1)))
    with pytest.raises(WebConfigError) as caught:
        opened(write("tls_server_config: {cert_file: a, key_file: b, min_version: TLS9}\n"))
    assert 3 == len(caught.value.problems)


def test_what_is_allowed_but_hardly_meant(write: Write, ca: Authority, caplog: pytest.LogCaptureFixture) -> None:
    """A key for everybody, a certificate of yesterday, passwords in the clear: said, in the log too."""
    good = load(write(TLS + USERS))
    assert () == warnings(good, time.time())
    (ca.folder / "server.key").chmod(0o644)
    assert "every user of this machine" in warnings(good, time.time())[0]
    assert "has run out" in warnings(good, time.time() + 40 * 86_400)[1]
    opened(write(USERS))
    assert ["web_config_warning"] == [record.getMessage() for record in caplog.records]
    assert "readable by anyone" in warnings(load(write(USERS)), time.time())[0]
