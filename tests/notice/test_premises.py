"""Premises: which interfaces are places of which notice is given."""

from agent.notice.premises import Premises


def test_undeclared_interfaces(premises: Premises) -> None:
    """An interface that no tap names is told, in the order asked; those that one names are not."""
    assert ("eth9", "eth3") == premises.undeclared(("eth9", "eth1", "eth3", "eth2"))
    assert () == premises.undeclared(())
