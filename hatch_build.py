"""agent/gate/*.c -> agent/gate/_native.so, while a wheel or an editable install is built.

The compiler is $CC or `cc` where there is one. Where there is none, ziglang is asked for from PyPI as a build
requirement (PEP 517 get_requires_for_build_wheel), so that a bare machine with Python needs nothing else.
"""

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCE = "agent/gate/gate_native.c"
LIBRARY = "agent/gate/_native.so"
FLAGS = ("-O2", "-std=c11", "-fPIC", "-shared", "-fvisibility=hidden", "-Wall", "-Wextra")

DEPLOYED = ("systemd",)
"""Of deploy/, what `hallwatch install` lays down."""

ZIGLANG = "ziglang==0.17.1"
ZIG_FLAGS = ("-mcpu=baseline",)
"""Left to itself zig compiles for the very processor it runs on, and a wheel is carried to other machines."""


def system_compiler() -> list[str] | None:
    """Returns the command of the C compiler that this machine offers, or None. $CC may carry flags."""
    command = shlex.split(os.environ.get("CC", "")) or ["cc"]
    return command if shutil.which(command[0]) else None


def compile_library(root: Path, output: Path) -> None:
    """Compiles the gate below `root` into `output`.

    The file is replaced in one step, so that a process which has it mapped keeps the one that it loaded.

    Raises:
        RuntimeError: the compiler failed; the message holds its command and what it said.
    """
    compiler = system_compiler() or [sys.executable, "-m", "ziglang", "cc", *ZIG_FLAGS]
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=".compile-") as scratch:
        made = Path(scratch, output.name)
        command = [*compiler, *FLAGS, "-o", str(made), SOURCE]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{shlex.join(command)} failed ({done.returncode}):\n{done.stdout}{done.stderr}")
        sys.stderr.write(done.stderr)
        made.replace(output)


def platform_tag() -> str:
    """Returns the wheel's tag: any Python 3, since the library is plain C called by ctypes, on this platform."""
    platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    return f"py3-none-{platform}"


class NativeGateHook(BuildHookInterface[BuilderConfig]):
    """Adds the compiled gate, the rules and the units to a wheel; for an editable install compiles the gate in place."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        return [] if system_compiler() else [ZIGLANG]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        if version == "editable":  # the tree itself is imported, so it is also where the rules are found
            compile_library(root, root / LIBRARY)
            return
        self._scratch = tempfile.TemporaryDirectory(prefix="hallwatch-build-")
        library = Path(self._scratch.name, Path(LIBRARY).name)
        compile_library(root, library)
        build_data["pure_python"] = False
        build_data["tag"] = platform_tag()
        build_data["force_include"] |= {str(library): LIBRARY, str(root / "rules"): "agent/_rules"}
        build_data["force_include"] |= {str(root / "deploy" / name): f"agent/_deploy/{name}" for name in DEPLOYED}

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        del build_data, artifact_path
        if version != "editable":
            self._scratch.cleanup()
