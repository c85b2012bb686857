"""What is optional on this machine, for the tests that use it: fixtures that skip loudly, and a line in the header.

Beside a checkout there may be a folder `shared` with the capture corpus and the maker of school days. Neither is
part of Hallwatch (the captures hold third-party traffic), so every test that wants them must do without.
"""

import shutil
import signal
from pathlib import Path

import pytest
from hypothesis import settings

# No test asserts how long something takes: it would fail where the machine is busy.
settings.register_profile("hallwatch", deadline=None)
settings.load_profile("hallwatch")

# Whoever runs the tests in the background may have them ignore SIGINT, and so would every process that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).parent.parent
CORPUS = ROOT.parent / "shared" / "corpus"
BENCH = ROOT.parent / "shared" / "bench"


@pytest.fixture(scope="session")
def corpus() -> Path:
    """Returns the folder with captures/, hostile/ and truth.jsonl."""
    if not CORPUS.is_dir():
        pytest.skip(
            f"THE CORPUS IS NOT HERE: no captures at {CORPUS}; golden results over real traffic are not checked"
        )
    return CORPUS


@pytest.fixture(scope="session")
def make_day() -> Path:
    """Returns the script that writes a school day's capture with its ground truth."""
    script = BENCH / "make_day.py"
    if not script.is_file():
        pytest.skip(f"THE MAKER OF SCHOOL DAYS IS NOT HERE: no {script}; large captures with truth are not checked")
    return script


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds what rewrites the results that tests/golden compares with."""
    parser.addoption("--update-golden", action="store_true", help="keep what is found now as tests/golden/**/*.txt")


def pytest_report_header() -> str:
    """Says what this run has to do without."""
    optional = {
        "capture corpus": CORPUS.is_dir(),
        "maker of school days": (BENCH / "make_day.py").is_file(),
        "C compiler (ziglang stands in)": shutil.which("cc") is not None,
    }
    absent = [name for name, present in optional.items() if not present]
    return f"hallwatch: absent here: {', '.join(absent) or 'nothing'}"
