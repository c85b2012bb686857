"""How commands end."""

from agent.cli.outcome import EXIT_CODES, Exit


def test_help_tells_the_codes() -> None:
    """The codes that a script should tell apart are in every --help; those of signals are the shells' own."""
    told = [int(line.split()[0]) for line in EXIT_CODES.splitlines()[1:]]
    assert [Exit.OK, Exit.FAILED, Exit.USAGE] == told
    assert (128 + 2, 128 + 13) == (Exit.INTERRUPTED, Exit.BROKEN_PIPE)
