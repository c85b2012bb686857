"""What the tests of the self-test need of a machine: root and iproute2, or they skip loudly."""

import os
import shutil

import pytest

from agent.gate.kernel import KernelGate, KernelGateError


@pytest.fixture
def root() -> None:
    """Skips, aloud, where no network namespaces can be made and no other process' memory can be read."""
    if os.geteuid() != 0:
        pytest.skip("THE SELF-TEST WAS NOT TESTED: it takes root to make namespaces and to read another's memory")
    if shutil.which("ip") is None:
        pytest.skip("THE SELF-TEST WAS NOT TESTED: it takes `ip` of iproute2")


@pytest.fixture
def kernel_gate(request: pytest.FixtureRequest) -> None:
    """Skips, aloud, where the kernel's gate cannot be had."""
    request.getfixturevalue("root")
    try:
        KernelGate(max_flows=1024).close()
    except KernelGateError as error:
        pytest.skip(f"THE KERNEL'S GATE WAS NOT TESTED: {error}")
