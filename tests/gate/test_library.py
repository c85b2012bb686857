"""Loading the gate's C library: once, with its types, and with advice when that fails."""

import re
from pathlib import Path

import pytest

from agent.gate import library as module
from agent.gate.library import NativeGateError, library

HERE = Path(module.__file__).parent


def test_loaded_once() -> None:
    """Every caller gets the same library."""
    assert library() is library()


def test_every_function_has_its_types() -> None:
    """What Python declares is what the C source exports, each with as many arguments."""
    source = (HERE / "gate_native.c").read_text("utf-8")
    exported = {
        name: len(arguments.split(","))
        for name, arguments in re.findall(r"^EXPORT .*?\b(gate_\w+)\((.*?)\)", source, re.MULTILINE)
    }

    declared = {name: len(arguments) for name, (_, arguments) in module._FUNCTIONS.items()}
    assert declared == {name: count for name, count in exported.items() if name in declared}


@pytest.mark.parametrize("content", [None, b"not a library"])
def test_library_that_is_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None) -> None:
    """A library that is missing or spoilt is an error that names it and says what to do."""
    path = tmp_path / "_native.so"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setattr(module, "LIBRARY", path)

    with pytest.raises(NativeGateError, match=rf"{re.escape(str(path))}: .*; build it with `make native`"):
        library.__wrapped__()


def test_library_of_another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """So is one that has not all the functions."""
    monkeypatch.setitem(module._FUNCTIONS, "gate_of_the_future", (None, ()))

    with pytest.raises(NativeGateError, match="gate_of_the_future"):
        library.__wrapped__()
