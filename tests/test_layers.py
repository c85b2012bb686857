"""The order of the house: which part of agent/ may import which, and which part may use which library.

The table HOUSE is read from top to bottom, as the package is: words, machines, edges. A part may import itself, the
package root (for its version) and what stands beside it in the table; and that must stand above it.
"""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

WORDS = ("agent.flow", "agent.facts", "agent.verdict", "agent.snapshot", "agent.contracts")
MACHINES = (
    "agent.wire",
    "agent.handshake",
    "agent.naming",
    "agent.policy",
    "agent.ledger",
    "agent.allowance",
    "agent.devices",
    "agent.notice",
    "agent.pulse",
    "agent.status_line",
    "agent.history",
    "agent.now_document",
)
# What turns packets into a snapshot: the commands and the daemon drive it.
ENGINE = ("agent.pipeline", "agent.gate")

HOUSE: dict[str, tuple[str, ...]] = {
    # words: frozen values, no behaviour to speak of
    "agent.flow": (),
    "agent.facts": (),
    "agent.verdict": (),
    "agent.snapshot": ("agent.flow", "agent.verdict"),
    "agent.contracts": ("agent.flow", "agent.verdict"),
    "agent.now": ("agent.verdict", "agent.snapshot"),
    "agent.quantities": (),
    # machines: bytes and a time go in, values come out; none knows another, save that handshake reads with wire
    "agent.wire": WORDS,
    "agent.handshake": (*WORDS, "agent.wire"),
    "agent.naming": WORDS,
    "agent.policy": WORDS,
    "agent.ledger": WORDS,
    "agent.notice": (*WORDS, "agent.policy"),  # describes the policy that is in force
    "agent.allowance": WORDS,
    "agent.pulse": WORDS,
    "agent.status_line": WORDS,
    "agent.devices": WORDS,
    "agent.history": WORDS,
    "agent.now_document": (*WORDS, "agent.now"),
    "agent.pipeline": (*WORDS, *MACHINES),  # alone knows the order of things
    # edges: files, sockets, the kernel, the clock, the terminal
    "agent.authority": (*WORDS, "agent.pipeline"),  # records what the pipeline says of a flow at its end
    "agent.shipped": (),
    "agent.install": (),
    "agent.journal": (),
    "agent.settings": ("agent.policy",),  # the same careful reader of YAML
    "agent.log": ("agent.journal",),
    "agent.privileges": (),
    "agent.stop_signals": (),
    "agent.systemd": ("agent.log",),
    "agent.gate": WORDS,
    "agent.lab": WORDS,
    "agent.capture": (*WORDS, *ENGINE, "agent.lab"),  # the demo's tap plays the lab
    "agent.sketches": (*WORDS, "agent.devices", "agent.log"),  # the machine counts, the edge knows the store
    "agent.device_metrics": WORDS,
    "agent.metrics": (*WORDS, "agent.device_metrics"),
    "agent.in_force": (*WORDS, *MACHINES, "agent.metrics"),  # what the metrics tell of loaded rules
    "agent.web": (
        *WORDS,
        *("agent.now", "agent.quantities", "agent.policy", "agent.notice", "agent.history", "agent.now_document"),
        *("agent.log", "agent.metrics"),
    ),
    "agent.replay": (*WORDS, *MACHINES, *ENGINE),
    "agent.selftest": (
        *WORDS,
        *MACHINES,
        *ENGINE,
        *("agent.shipped", "agent.privileges", "agent.stop_signals", "agent.lab", "agent.capture"),
    ),
    "agent.daemon": (
        *WORDS,
        *MACHINES,
        *ENGINE,
        *("agent.log", "agent.authority", "agent.capture", "agent.metrics", "agent.web"),
        "agent.in_force",
        "agent.systemd",
        "agent.sketches",
    ),
    "agent.start": (
        *WORDS,
        *MACHINES,
        *ENGINE,
        *("agent.log", "agent.privileges", "agent.authority", "agent.capture", "agent.systemd", "agent.sketches"),
        "agent.daemon",
    ),
    "agent.cli": (
        *WORDS,
        *MACHINES,
        *ENGINE,
        *(
            "agent.now",
            "agent.quantities",
            "agent.shipped",
            "agent.install",
            "agent.settings",
            "agent.log",
            "agent.stop_signals",
            "agent.authority",
            "agent.metrics",
            "agent.web",
        ),
        *("agent.capture", "agent.replay", "agent.selftest", "agent.start", "agent.sketches"),
    ),
}

# Each library has one job (README.md), done here and nowhere else.
ONE_JOB: dict[str, tuple[str, ...]] = {
    "bcrypt": ("agent.web.passwords",),  # passwords of the listener's users
    "cryptography": (
        "agent.wire",
        "agent.lab",
        "agent.authority.signature",
        "agent.web.certificate",
    ),  # QUIC Initials; authorisations signed; dates and names of certificates
    "dpkt": ("agent.wire.banner_udp",),  # headers of RADIUS and TFTP
    "h11": ("agent.web",),  # HTTP/1.1
    "numpy": (
        "agent.contracts",
        "agent.gate",
        "agent.ledger",
        "agent.allowance",
        "agent.devices",
        "agent.pipeline",
    ),  # sums over the flow rows
    "prometheus_client": ("agent.metrics", "agent.device_metrics", "agent.web"),  # the exposition formats
    "redis": ("agent.sketches.store",),  # the store in which agents count devices together
    "rich": ("agent.cli", "agent.lab.__main__"),  # tables, progress bars and sizes for people
    "scapy": ("agent.lab",),  # making traffic
    "uvloop": ("agent.start",),  # the event loop
    "yaml": ("agent.policy.document",),  # rules
}

# Parts of the standard library that only some may touch.
RESERVED: dict[str, tuple[str, ...]] = {
    "ctypes": ("agent.gate", "agent.capture.ring", "agent.privileges"),
    "signal": ("agent.daemon", "agent.stop_signals"),
    "asyncio": ("agent.daemon", "agent.start", "agent.sketches.exchange", "agent.sketches.store", "agent.web"),
    "pickle": (),
    "marshal": (),
    "subprocess": ("agent.selftest.child", "agent.selftest.namespaces"),
    "threading": (),
    "concurrent": ("agent.web.passwords",),
    "multiprocessing": (),
}

# What is a machine inside a part that has edges too.
PURE = tuple(f"agent.authority.{name}" for name in ("authorisation", "statement", "scope", "chain"))

# A machine does no I/O, reads no clock and rolls no dice: the same bytes and times give the same values, live or replayed.
NOT_IN_MACHINES = frozenset(
    {
        *("asyncio", "ctypes", "fcntl", "glob", "http", "io", "logging", "mmap", "multiprocessing", "os", "pathlib"),
        *("random", "secrets", "select", "selectors", "shutil", "signal", "socket", "ssl", "subprocess", "sys"),
        *("tempfile", "threading", "time", "urllib", "warnings"),
    }
)
READS_FILES = {
    "agent.notice.files": "premises.yaml and the record of the posted notice; this module alone touches them",
    "agent.allowance.state_file": "the day's numbers outlive a restart in a file; this module alone touches it",
    "agent.policy.policy": "it is told where the rules are, and hands that place on",
    "agent.policy.rule_files": "the rules are files; this module alone opens them, within its limits",
}
DOORS = frozenset({"open", "print", "input"})
CLOCKS_AND_FILES = frozenset({"now", "utcnow", "today", "read_text", "read_bytes", "write_text", "write_bytes"})


@dataclass(frozen=True, slots=True)
class Import:
    """One name that a module imports."""

    module: str
    line: int
    target: str
    """Absolute dotted name: a module, or something inside one."""

    def __str__(self) -> str:
        return f"{self.module}:{self.line} imports {self.target}"


@cache
def modules() -> dict[str, Path]:
    """Returns every module of the package by its dotted name; a package is named without __init__."""
    found = {}
    for path in sorted((ROOT / "agent").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def tree(module: str) -> ast.Module:
    """Returns the module's syntax tree."""
    return ast.parse(modules()[module].read_text(encoding="utf-8"))


def imports(module: str) -> Iterator[Import]:
    """Yields every import of the module, also those inside functions and under TYPE_CHECKING."""
    package = module if modules()[module].name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            yield from (Import(module, node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            source = ".".join([*above, *([node.module] if node.module else [])])
            yield from (Import(module, node.lineno, f"{source}.{alias.name}") for alias in node.names)


def within(name: str, place: str) -> bool:
    """Tells whether a dotted name is a place or below it."""
    return name == place or name.startswith(f"{place}.")


def place_of(name: str) -> str | None:
    """Returns the row of HOUSE that a dotted name belongs to."""
    return next((place for place in HOUSE if within(name, place)), None)


def is_inner(target: str) -> bool:
    """Tells whether an import names this package itself rather than a library."""
    return within(target, "agent")


def library(target: str) -> str:
    """Returns the top-level name of an import."""
    return target.partition(".")[0]


def machine_modules() -> list[str]:
    """Returns the modules that are machines, the pipeline among them."""
    places = (*MACHINES, "agent.pipeline", *PURE)
    return [module for module in modules() if any(within(module, place) for place in places)]


def test_every_module_has_its_place() -> None:
    """Each module of the package belongs to exactly one row of HOUSE; the root only holds the version."""
    homeless = [module for module in modules() if module not in {"agent", "agent.__main__"} and not place_of(module)]

    assert [] == homeless


def test_every_row_has_a_module() -> None:
    """No row of HOUSE outlives the part that it speaks of."""
    empty = [place for place in HOUSE if not any(within(module, place) for module in modules())]

    assert [] == empty


def test_the_table_points_upwards() -> None:
    """What a part may import stands above it in HOUSE, so that no permission can make a circle."""
    rows = list(HOUSE)
    wrong = [(place, seen) for place in rows for seen in HOUSE[place] if rows.index(seen) >= rows.index(place)]

    assert [] == wrong


def test_imports_follow_the_table() -> None:
    """A part imports only itself, the version at the root, and what HOUSE lets it see."""
    wrong = []
    for module in modules():
        place = place_of(module)
        if place is None:
            continue  # the root and __main__, which test_every_module_has_its_place knows by name
        for found in imports(module):
            if not is_inner(found.target) or found.target in {"agent.__version__", "agent"}:
                continue
            if not any(within(found.target, seen) for seen in (place, *HOUSE[place])):
                wrong.append(str(found))

    assert [] == wrong


def test_no_import_cycle() -> None:
    """Modules can be read in an order in which each comes after those that it imports."""
    graph: dict[str, set[str]] = {}
    for module in modules():
        targets = (found.target for found in imports(module) if is_inner(found.target))
        named = {target if target in modules() else target.rpartition(".")[0] for target in targets}
        graph[module] = named - {module}

    order = list(TopologicalSorter(graph).static_order())  # a cycle raises CycleError, which names it

    assert set(modules()) <= set(order)


def test_only_the_pipeline_knows_several_machines() -> None:
    """The order in which machines work is told in one place: no other machine sees two more."""
    sees = {place: [seen for seen in HOUSE[place] if seen in MACHINES] for place in MACHINES}

    assert {"agent.handshake": ["agent.wire"], "agent.notice": ["agent.policy"]} == {
        place: seen for place, seen in sees.items() if seen
    }


@pytest.mark.parametrize("module", machine_modules())
def test_machines_do_no_io(module: str) -> None:
    """A machine imports nothing that reads, waits, logs, or knows the time; the one that reads rules says why."""
    if module in READS_FILES:
        return
    wrong = [str(found) for found in imports(module) if library(found.target) in NOT_IN_MACHINES]

    assert [] == wrong


@pytest.mark.parametrize("module", machine_modules())
def test_machines_read_no_clock(module: str) -> None:
    """Time is an argument: a machine calls neither now() nor today(), and opens and prints nothing."""
    if module in READS_FILES:
        return
    wrong = []
    for node in ast.walk(tree(module)):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in DOORS:
                wrong.append(f"{module}:{node.lineno} calls {name}()")
            case ast.Call(func=ast.Attribute(attr=name)) if name in CLOCKS_AND_FILES:
                wrong.append(f"{module}:{node.lineno} calls .{name}()")

    assert [] == wrong


def test_each_library_does_one_job() -> None:
    """A library is imported only where ONE_JOB and RESERVED say so, and none that they do not know is imported."""
    wrong = []
    for module in modules():
        for found in imports(module):
            name = library(found.target)
            if is_inner(found.target) or (name in sys.stdlib_module_names and name not in RESERVED):
                continue
            places = ONE_JOB.get(name, RESERVED.get(name, ()))
            if not any(within(module, place) for place in places):
                wrong.append(str(found))

    assert [] == wrong


def test_each_library_is_used_and_declared() -> None:
    """ONE_JOB, what the package imports, pyproject.toml's dependencies and the README's table name the same libraries."""
    imported = {library(found.target) for module in modules() for found in imports(module)}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {re.split(r"[<>=~!; \[]", line)[0] for line in project["dependencies"]}
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    assert set(ONE_JOB) == imported & set(ONE_JOB)
    assert set(ONE_JOB) == {{"PyYAML": "yaml"}.get(name, name.replace("-", "_")) for name in declared}
    assert [] == [name for name in sorted(declared) if f"| {name} |" not in readme]
