"""A web configuration file -> what protects the listener now; read again when it, or a file that it names, changes."""

import ssl
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from agent.log import EventLog
from agent.metrics import ReloadState
from agent.policy.problems import Mark, Problems, RulesError
from agent.web.tls_context import new_context, readable_by_others
from agent.web.web_config import WebConfig, WebConfigError, parse_web_config

MAX_FILE_BYTES = 256 * 1024
"""A hundred users are some 8 KiB."""
SETTLE_S = 0.5
"""How long a changed file must have been left alone: half a file that is being written might be one without users."""

_MAX_READS = 3
"""The first tells which files are named, the second reads after having looked at those; the third is for a change."""

_Signature = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Protection:
    """What protects the listener. The one without arguments is none."""

    config: WebConfig = field(default_factory=WebConfig)
    context: ssl.SSLContext | None = None
    """None: plain HTTP. Another object as soon as anything about TLS is another."""
    runs_out_s: float | None = None
    """When the certificate runs out, in seconds since the epoch."""


def load(path: Path) -> Protection:
    """Read a web configuration and the files that it names.

    Raises:
        WebConfigError: With everything that is wrong.
    """
    problems = Problems()
    config, made = WebConfig(), None
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        problems.add(Mark(str(path), 0), str(error.strerror), "check the path, and who may read it")
    else:
        if len(data) > MAX_FILE_BYTES:
            problems.add(Mark(str(path), 0), f"larger than {MAX_FILE_BYTES} bytes", "this is no web configuration")
        else:
            config = parse_web_config(data, str(path), path.parent, problems)
    if config.tls is not None:
        made = new_context(config.tls, problems)
    try:
        problems.raise_if_any()
    except RulesError as error:
        raise WebConfigError(error.problems, config.named) from error
    context, runs_out_s = made or (None, None)
    return Protection(config, context, runs_out_s)


def warnings(protection: Protection, now_s: float) -> tuple[str, ...]:
    """What is allowed, but hardly meant; a line each.

    Args:
        protection: As loaded.
        now_s: Seconds since the epoch.
    """
    found = []
    tls = protection.config.tls
    if tls is not None and readable_by_others(tls):
        found.append(f"{tls.key.path}: every user of this machine can read the key; chmod o-r takes care of it")
    if protection.runs_out_s is not None and protection.runs_out_s < now_s:
        found.append("the certificate has run out, so clients will refuse it")
    if protection.config.users and tls is None:
        found.append("there are users but no tls_server_config: passwords cross the network readable by anyone on it")
    return tuple(found)


class ProtectionFile:
    """The protection that a file asks for. What it says next replaces it; what cannot be used leaves it as it is."""

    def __init__(self, path: Path, log: EventLog, *, settle_s: float = SETTLE_S) -> None:
        """
        Args:
            path: The web configuration.
            log: Is told when it has changed, and when the change cannot be used.
            settle_s: How long a changed file must have been left alone.

        Raises:
            WebConfigError: With everything that is wrong.
        """
        self._path = path
        self._log = log
        self._settle_s = settle_s
        self._named: tuple[Path, ...] = ()
        read = self._read()
        if isinstance(read, WebConfigError):
            raise read
        self._now = read
        self.state = ReloadState(successful=True, last_success_s=time.time())
        self._warn()

    def current(self) -> Protection:
        """What protects the listener now: a stat(2) of each file, unless one has changed."""
        seen = self._look()
        if seen != self._seen and self._settled(seen):
            self._reread()
        return self._now

    def _reread(self) -> None:
        before = self._seen
        read = self._read()
        if isinstance(read, WebConfigError):
            self.state = replace(self.state, successful=False)
            problems, first = len(read.problems), str(read.problems[0])
            self._log.error("web_config_refused", file=str(self._path), problems=problems, first=first)
            return
        # Connections end with the context that they were made under, so it stays when only users or headers changed.
        same_tls = self._now.config.tls == read.config.tls and before[1:] == self._seen[1:]
        self._now = replace(read, context=self._now.context) if same_tls else read
        self.state = ReloadState(successful=True, last_success_s=time.time())
        self._log.info("web_config_reloaded", file=str(self._path))
        self._warn()

    def _read(self) -> Protection | WebConfigError:
        """Load it, and remember what the files looked like before: what changes meanwhile is then found later."""
        read: Protection | WebConfigError = Protection()
        for _ in range(_MAX_READS):
            self._seen = self._look()
            try:
                loaded = load(self._path)
            except WebConfigError as error:
                read, named = error, error.named
            else:
                read, named = loaded, loaded.config.named
            if named == self._named:
                break
            self._named = named
        return read

    def _look(self) -> tuple[_Signature, ...]:
        return tuple(_signature(path) for path in (self._path, *self._named))

    def _settled(self, seen: tuple[_Signature, ...]) -> bool:
        """Whether nobody is still writing. A file from the future counts as left alone: its age tells nothing."""
        now_s = time.time()
        changed = [new for new, old in zip(seen, self._seen, strict=True) if new and new != old]
        return not any(0 <= now_s - new[-1] / 1e9 < self._settle_s for new in changed)

    def _warn(self) -> None:
        for text in warnings(self._now, time.time()):
            self._log.warning("web_config_warning", file=str(self._path), problem=text)


def _signature(path: Path) -> _Signature:
    """What of a file changes when it does (stat(2)), its last change in nanoseconds at the end; () if it is not there."""
    try:
        seen = path.stat()
    except OSError:
        return ()
    return seen.st_dev, seen.st_ino, seen.st_mode, seen.st_uid, seen.st_gid, seen.st_size, seen.st_mtime_ns
