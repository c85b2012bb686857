"""What the documents say against what the code does: limits, metrics, options, and links."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from agent.cli.main import COMMANDS
from tests.exported import every_family

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
DOCUMENTS += [ROOT / "rules" / "README.md", ROOT / "deploy" / "README.md"]
COUNTER_OR_INFO = {"counter": "_total", "info": "_info"}


def table_cells(document: str, first: str) -> set[tuple[str, ...]]:
    """Returns the rows, as cells without their backquotes, in which some cell begins with `first`."""
    lines = (ROOT / "docs" / document).read_text(encoding="utf-8").splitlines()
    rows = (tuple(cell.strip().strip("`") for cell in line.strip("|").split("|")) for line in lines if line[:1] == "|")
    return {row for row in rows if any(cell.startswith(first) for cell in row)}


def test_privacy_table_is_the_gates() -> None:
    """docs/privacy.md names every limit of what is opened, with the value that stands in gate_core.h."""
    header = (ROOT / "agent" / "gate" / "gate_core.h").read_text(encoding="utf-8")
    limits = re.search(r"enum gate_limit \{(.*?)\};", header, re.DOTALL)
    assert limits is not None

    assert dict(re.findall(r"(GATE_\w+) = (\d+)", limits[1])) == {
        row[2]: row[3] for row in table_cells("privacy.md", "GATE_")
    }


def metrics_table() -> str:
    """Returns the reference of the metrics, as the code has it: name, type, labels, help."""
    lines = ["| metric | type | labels | |", "|---|---|---|---|"]
    for family in every_family():
        name = family.name + COUNTER_OR_INFO.get(family.type, "")
        kind = {"info": "gauge", "gaugehistogram": "histogram"}.get(family.type, family.type)
        labels = dict.fromkeys(label for sample in family.samples for label in sample.labels if label != "le")
        lines.append(f"| `{name}` | {kind} | {', '.join(labels)} | {family.documentation} |")
    return "\n".join(lines) + "\n"


def test_metrics_reference_is_the_codes(request: pytest.FixtureRequest) -> None:
    """docs/metrics.md holds every metric that is exported, as the code describes it; --update-golden writes it anew."""
    document = ROOT / "docs" / "metrics.md"
    before, begin, rest = document.read_text(encoding="utf-8").partition("<!-- metrics: begin -->\n")
    table, end, after = rest.partition("<!-- metrics: end -->\n")
    assert begin
    assert end
    if request.config.getoption("--update-golden"):
        document.write_text(before + begin + metrics_table() + end + after, encoding="utf-8")
        return

    assert metrics_table() == table


def options_of(command: str) -> set[str]:
    """Returns the long options that a command's --help names, without --help itself."""
    start = "import sys; from agent.cli.main import main; sys.exit(main())"
    helped = subprocess.run(
        [sys.executable, "-c", start, command, "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(re.findall(r"--[a-z][a-z.-]*[a-z]", helped.stdout)) - {"--help"}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_documented(command: str) -> None:
    """docs/commands.md shows, in its synopsis, the options that the command has, and no other."""
    text = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    synopsis = re.search(rf"^    hallwatch {command} +(.*(?:\n {{12,}}.*)*)$", text, re.MULTILINE)
    assert synopsis is not None

    assert options_of(command) == set(re.findall(r"--[a-z][a-z.-]*[a-z]", synopsis[1]))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_explained(command: str) -> None:
    """Each command has its section, which says what each of its options is for; those of all have one of their own."""
    text = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    sections = {part.partition("\n")[0]: part for part in re.split(r"^## ", text, flags=re.MULTILINE)}

    told = sections["Rules"] + sections[f"hallwatch {command}"]
    assert set() == options_of(command) - set(re.findall(r"--[a-z][a-z.-]*[a-z]", told))


def test_image_uses_options_that_exist() -> None:
    """What the Dockerfile runs by default is a command with options that it has."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    words = re.findall(r'"([^"]+)"', text.rpartition("CMD ")[2])

    assert set() == {word.partition("=")[0] for word in words[1:]} - options_of(words[0])


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(document: Path) -> None:
    """A link to another file of the tree names one that exists."""
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text(encoding="utf-8"))

    assert [] == [target for target in targets if not (document.parent / target).exists()]
