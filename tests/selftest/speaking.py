"""A process for tests of Child: does what its first argument says.  python -m tests.selftest.speaking WHAT [TEXT]"""

import os
import sys
import time

from agent.selftest.reports import Ready, Refused, to_line


def main(what: str, text: str = "") -> None:
    """Says something, or fails to."""
    if what == "ready":
        sys.stdout.write(to_line(Ready(os.getpid(), "none", text)))
    elif what == "echo":
        sys.stdout.write(to_line(Ready(os.getpid(), "none", sys.stdin.readline().strip())))
    elif what == "refuse":
        sys.stdout.write(to_line(Refused(text)))
    elif what == "fail":
        raise ValueError(text)
    elif what == "silent":
        time.sleep(60)
    elif what == "endless":
        sys.stdout.write("x" * (4 << 20))
    sys.stdout.flush()
    if what == "stubborn":
        sys.stdout.write(to_line(Ready(os.getpid(), "none", "")))
        sys.stdout.flush()
        time.sleep(60)


if __name__ == "__main__":
    main(*sys.argv[1:])
