"""A command -> the same command as a user who is not root, with exactly the capabilities that are named."""

import shlex
import shutil
import stat
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

NOBODY = 65534

_ROOT = Path(__file__).parent.parent.parent


def lowly(capabilities: Sequence[str], folder: Path) -> list[str]:
    """What to put before a command that runs in a mount namespace of its own, as `ip netns exec` gives it.

    Skips the test where there is no setpriv (util-linux).

    Args:
        capabilities: such as "net_raw".
        folder: for mount points.
    """
    if shutil.which("setpriv") is None:
        pytest.skip("NO setpriv HERE (util-linux): that Hallwatch needs no root is not checked")
    kept = ",".join(["-all", *(f"+{name}" for name in capabilities)])
    become = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    become += [f"--inh-caps={kept}", f"--ambient-caps={kept}", f"--bounding-set={kept}"]
    return ["sh", "-ec", "\n".join([*_opened(folder), f'exec {shlex.join(become)} "$@"']), "sh"]


def _opened(folder: Path) -> Iterator[str]:
    """Makes Python and this tree readable for everyone, in this mount namespace only.

    A home directory is closed to others as a rule, and Python may be in one. So an empty directory is put over it,
    in which the way to Python is open.
    """
    for number, place in enumerate(sorted({Path(sys.prefix), Path(sys.base_prefix), _ROOT})):
        closed = [parent for parent in reversed(place.parents) if not parent.stat().st_mode & stat.S_IXOTH]
        if closed:
            held = folder / f"held-{number}"
            held.mkdir(mode=0o755, exist_ok=True)
            yield f"mount --bind {place} {held}"
            yield f"mount -t tmpfs -o mode=755 tmpfs {closed[0]}"
            yield f"mkdir -p {place}"
            yield f"mount --bind {held} {place}"
