"""Hallwatch: counts what a school network is used for, and leaves payloads unopened."""

import os

__version__ = "0.1.0"

# numpy's BLAS would start a thread for each CPU. Nothing here uses it, and capabilities belong to threads: those of
# the others could not be dropped (agent/privileges.py).
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
