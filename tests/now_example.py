"""One moment of an agent, made up, for tests of what reads and shows it."""

from agent.now import InForce, Line, Now
from agent.snapshot import GateTotals
from agent.verdict import Verdict

POLICY = InForce("Hamden", "4118.5, Use", 12, 1_795_248_000.0, reloaded=True, notice="as posted", notice_true=True)


def line(name: str, category: str, per_s: float, amount: int) -> Line:
    """What is in review, all of it."""
    return Line(
        *(name, name.capitalize(), category, 3, amount // 4, amount - amount // 4, per_s),
        verdicts={Verdict.REVIEW: amount},
        verdicts_per_s={Verdict.REVIEW: per_s},
    )


NOW = Now(
    version="1.2.3",
    time_s=1_795_248_061.5,
    waiting=None,
    span_s=10.0,
    flows=12,
    opened_bytes=100,
    unopened_bytes=9_900,
    opened_bytes_per_s=1.5,
    unopened_bytes_per_s=20.25,
    gate=GateTotals(
        "kernel", 60, 60_000, settled_packets=60, settled_bytes=60_000, dropped_packets=2, active_flows=5, max_flows=64
    ),
    verdicts=dict.fromkeys(Verdict, 5),
    verdicts_per_s=dict.fromkeys(Verdict, 1_250.0),
    categories=(line("video", "video", 7.5, 4_000), line("mail", "mail", 90.0, 300)),
    applications=(line("youtube", "video", 7.5, 4_000), line("vimeo", "video", 0.0, 10)),
    evidence={"sni": 12},
    opened={"tls": 100},
    limits={"classes": 2},
    policy=POLICY,
)
