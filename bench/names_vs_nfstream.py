"""One capture file -> the names and categories that `hallwatch replay` and nfstream find in it, held to its truth.

Both read the same file in the same run. The truth is what the capture's maker wrote beside it (truth.py); without it
there is only to be told how many flows each gave a name. docs/performance.md says how to read the table, and what in it
is unfair.
"""

import argparse
import importlib.metadata
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from agent import __version__
from agent.quantities import share
from bench.marks import write_between_marks
from bench.truth import PLACES, Key, Shown, key_of, read_truth, truth_beside

ROOT = Path(__file__).parent.parent
YOUTUBE = "youtube"
"""Social networking by the districts' regulations, video to others: right under either name."""
VIDEO = frozenset({"video_streaming", "Media", "Video", "Streaming"})


@dataclass(slots=True)
class Said:
    """What a program said of a flow; of several, where it took one for several."""

    names: set[str] = field(default_factory=set)
    categories: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Kind:
    """A category that the districts' policies are about, in everybody's words."""

    title: str
    truths: frozenset[str]
    claims: frozenset[str]
    """What a program calls it, when it is right."""
    wider: frozenset[str] = frozenset()
    """What is right too, but about more than this: whoever says it of another flow has claimed nothing false."""

    def holds(self, flow: Shown) -> bool:
        """Whether a flow is really of this kind."""
        return flow.category in self.truths or (flow.service == YOUTUBE and "social" in self.truths)

    def is_right(self, said: Said, flow: Shown) -> bool:
        """Whether a program put a flow of this kind where it belongs."""
        right = self.claims | self.wider | (VIDEO if flow.service == YOUTUBE else frozenset())
        return bool(said.categories & right)


KINDS = (
    Kind(
        "social networking",
        frozenset({"social", "social_networking"}),
        frozenset({"social_networking", "SocialNetwork"}),
    ),
    Kind(
        "generative AI",
        frozenset({"genai", "generative_ai"}),
        frozenset({"generative_ai", "ArtifIntelligence"}),
    ),
    Kind(
        "file sharing",
        frozenset({"file-sharing", "file_sharing"}),
        frozenset({"file_sharing"}),
        frozenset({"Cloud", "Download"}),
    ),
)


Right = Callable[[Said, Shown], bool]


@dataclass(slots=True)
class Found:
    """What a program found in a capture."""

    title: str
    flows: int = 0
    named: int = 0
    said: dict[Key, Said] = field(default_factory=lambda: defaultdict(Said))

    def add(self, key: Key, names: Sequence[str], category: str) -> None:
        """Takes a flow as the program tells of it."""
        self.flows += 1
        self.named += bool(names)
        self.said[key].names.update(name.lower().rstrip(".").partition(":")[0] for name in names)
        self.said[key].categories.add(category)

    def of(self, flow: Shown) -> Said:
        """What was said of a flow; nothing, where it was not seen."""
        return self.said.get(flow.key, Said())


def found_by_hallwatch(capture: Path) -> Found:
    """What the tree's own `hallwatch replay --flows` writes of each flow, with the rules as shipped."""
    found = Found(f"hallwatch {__version__}")
    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder, "flows.jsonl")
        command = [sys.executable, "-m", "agent", "replay", str(capture.resolve()), "--flows", str(lines)]
        command += ["--rules", str(ROOT / "rules")]
        if subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=False).returncode != 0:
            sys.exit(f"hallwatch replay could not read {capture}")
        with lines.open(encoding="utf-8") as file:
            for row in map(json.loads, file):
                if not row["src"]:  # no IP, so nothing that nfstream reads
                    continue
                name = row["hostname"]
                names = name if isinstance(name, list) else [name] if name else []
                key = key_of(row["proto"], row["src"], row["sport"], row["dst"], row["dport"])
                found.add(key, names, row["category"])
    return found


def found_by_nfstream(capture: Path) -> Found:
    """What nfstream says of each flow: the server name that was asked for, and the category of the application."""
    from bench.nfstream_loop import streamer

    found = Found(f"nfstream {importlib.metadata.version('nfstream')}")
    for flow in streamer(str(capture)):
        name = flow.requested_server_name
        key = key_of(flow.protocol, flow.src_ip, flow.src_port, flow.dst_ip, flow.dst_port)
        found.add(key, [name] if name else [], flow.application_category_name)
    return found


def named_table(capture: Path, programs: Sequence[Found]) -> str:
    """How many flows each named, in Markdown: all that can be told of a capture without its truth."""
    lines = [f"`{capture.name}`, of which no truth is known.", "", "| | flows | with a name |", "|---|--:|--:|"]
    lines += [f"| {found.title} | {found.flows:,} | {found.named:,} |" for found in programs]
    return "\n".join(lines)


def truth_table(capture: Path, flows: Sequence[Shown], programs: Sequence[Found]) -> str:
    """What each found of what the flows show, in Markdown."""
    lines = [f"`{capture.name}`: {len(flows):,} flows show their name."]
    for title, rows in (("names", _name_rows(flows, programs)), ("categories", _category_rows(flows, programs))):
        lines += ["", _row(title, "flows", [found.title for found in programs])]
        lines += [f"|---|--:|{'--:|' * len(programs)}", *rows]
    return "\n".join(lines)


def _row(title: str, flows: str, cells: Iterable[str]) -> str:
    return f"| {title} | {flows} | {' | '.join(cells)} |"


def _recall(title: str, flows: Sequence[Shown], programs: Sequence[Found], right: Right) -> str:
    hits = [sum(right(found.of(flow), flow) for flow in flows) for found in programs]
    return _row(title, f"{len(flows):,}", [_share(number, len(flows)) for number in hits])


def _share(part: int, whole: int) -> str:
    return share(part, whole, 2) if whole else "–"


def _name_rows(flows: Sequence[Shown], programs: Sequence[Found]) -> Iterator[str]:
    for place, title in PLACES.items():
        here = [flow for flow in flows if flow.place == place]
        if here:
            yield _recall(title, here, programs, _is_named)
    yield _recall("all of them", flows, programs, _is_named)
    wrong = [sum(bool(found.of(flow).names - {flow.name}) for flow in flows) for found in programs]
    yield _row("given a name that they do not show", "", [f"{number:,}" for number in wrong])


def _is_named(said: Said, flow: Shown) -> bool:
    return flow.name in said.names


def _category_rows(flows: Sequence[Shown], programs: Sequence[Found]) -> Iterator[str]:
    for kind in KINDS:
        of_kind = [flow for flow in flows if kind.holds(flow)]
        popular = [flow for flow in of_kind if flow.popular]
        if popular:  # not every maker says which hosts are
            yield _recall(f"{kind.title}, popular hosts: found", popular, programs, kind.is_right)
        if of_kind:
            yield _recall(f"{kind.title}, all hosts: found", of_kind, programs, kind.is_right)
        yield _row(
            f"{kind.title}: of what is called so, is so", "", [_precision(kind, flows, found) for found in programs]
        )


def _precision(kind: Kind, flows: Sequence[Shown], found: Found) -> str:
    claimed = [flow for flow in flows if found.of(flow).categories & kind.claims]
    return _share(sum(map(kind.holds, claimed)), len(claimed))


def table(capture: Path) -> str:
    """Has both programs read a capture; what they found, in Markdown."""
    programs = found_by_hallwatch(capture), found_by_nfstream(capture)
    truth = truth_beside(capture)
    return truth_table(capture, read_truth(truth), programs) if truth.is_file() else named_table(capture, programs)


def main() -> None:
    """Compares, prints the table, and writes it into a document when one is named."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.names_vs_nfstream", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("capture", type=Path, help="a capture file; its truth, if any, is FILE.truth.json beside it")
    parser.add_argument("--write", type=Path, help="a document with the two marks that the table goes between")
    options = parser.parse_args()
    result = table(options.capture)
    print(result)
    if options.write:
        write_between_marks(options.write, "names", result)


if __name__ == "__main__":
    main()
