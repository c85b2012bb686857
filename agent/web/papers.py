"""The policy in force and how the posted notice stands to it -> what is said of it: in short, and its notice."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo

from agent.notice.check import Standing
from agent.notice.files import PREMISES
from agent.notice.notice import description_of, fingerprint_of
from agent.notice.page_html import as_html
from agent.notice.wording import page_of
from agent.now import InForce
from agent.policy.policy import Policy

NOTICE_STYLE = "notice.css"
"""Where the listener serves the notice's style."""


@dataclass(frozen=True, slots=True)
class Papers:
    """Everything that can be said of one load of the rules, kept until the next."""

    policy: Policy
    loaded_s: float
    """When, in seconds since the epoch."""
    standing: Standing

    @property
    def titles(self) -> Mapping[str, str]:
        """Of applications, by identifier."""
        return {name: entry.application.title for name, entry in self.policy.catalogue.entries.items()}

    @property
    def zone(self) -> tzinfo:
        """Where the clock on the wall hangs."""
        return self.policy.zone

    def in_force(self, *, reloaded: bool) -> InForce:
        """In short. `reloaded` says whether the newest attempt to load rules succeeded."""
        pack, premises = self.policy.pack, self.standing.premises
        return InForce(
            district=pack.district or (premises.district if premises else ""),
            document=f"{pack.policy.number}, {pack.policy.title}" if pack.policy else "",
            rules=len(self.policy.rulebook.rules),
            loaded_s=self.loaded_s,
            reloaded=reloaded,
            notice=self.standing.words,
            notice_true=self.standing.is_true,
        )

    def notice_page(self, now_ns: int) -> str | None:
        """The notice as `hallwatch notice --html` writes it, dated by the clock on the wall; None without premises."""
        notice, premises = self.standing.notice, self.standing.premises
        if notice is None or premises is None:
            return None
        today = self.policy.schedules.local(now_ns).date()
        fingerprint = fingerprint_of(description_of(notice))
        return as_html(page_of(notice, fingerprint, today, premises.posted_where), stylesheet=NOTICE_STYLE)


def why_no_notice(papers: Papers) -> str:
    """For who asks for a notice that cannot be written."""
    standing = papers.standing
    return standing.words if not standing.is_true else f"There is no {PREMISES} among the rules, so no notice."
