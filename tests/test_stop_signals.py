"""Signals that stop a command: raised while it has something to put back, and only then."""

import signal

import pytest

from agent.stop_signals import STOPS, stop_signals_interrupt


@pytest.mark.parametrize("number", STOPS)
def test_they_interrupt_meanwhile(number: signal.Signals) -> None:
    """A signal is Ctrl-C while the context lasts, and what it was before when it has ended."""
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt), stop_signals_interrupt():
        signal.raise_signal(number)

    assert before == signal.getsignal(number)
