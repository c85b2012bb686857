"""The policy in force and the directory it came from -> what is said of it: in short, its notice, and its coverage."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path

from agent.notice.check import check_posted
from agent.notice.files import POSTED, PREMISES, load_posted, notice_of
from agent.notice.notice import Notice, description_of, fingerprint_of
from agent.notice.page_html import as_html
from agent.notice.premises import Premises
from agent.notice.wording import page_of
from agent.now import InForce
from agent.policy.policy import Policy
from agent.policy.problems import Problems, RulesError

NOTICE_STYLE = "notice.css"
"""Where the listener serves the notice's style."""


@dataclass(frozen=True, slots=True)
class Papers:
    """Everything that can be said of one load of the rules, kept until the next."""

    policy: Policy
    loaded_s: float
    """When, in seconds since the epoch."""
    notice: Notice | None
    premises: Premises | None
    standing: str
    """How the posted notice stands to the policy, in a few words; the first problem, if there is any."""
    notice_true: bool
    """False when there is a problem."""

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
        pack = self.policy.pack
        return InForce(
            district=pack.district or (self.premises.district if self.premises else ""),
            document=f"{pack.policy.number}, {pack.policy.title}" if pack.policy else "",
            rules=len(self.policy.rulebook.rules),
            loaded_s=self.loaded_s,
            reloaded=reloaded,
            notice=self.standing,
            notice_true=self.notice_true,
        )

    def notice_page(self, now_ns: int) -> str | None:
        """The notice as `hallwatch notice --html` writes it, dated by the clock on the wall; None without premises."""
        if self.notice is None or self.premises is None:
            return None
        today = self.policy.schedules.local(now_ns).date()
        fingerprint = fingerprint_of(description_of(self.notice))
        return as_html(page_of(self.notice, fingerprint, today, self.premises.posted_where), stylesheet=NOTICE_STYLE)


def read_papers(policy: Policy, directory: Path, *, district: str | None, loaded_s: float) -> Papers:
    """The papers of a policy that was just loaded. What is wrong with the notice keeps nobody from counting: it is told.

    Args:
        policy: In force.
        directory: Of the rules, with premises.yaml and the record of what was posted.
        district: The pack that stands in place of rules.yaml; then the posted notice is not compared, since it is that
            of rules.yaml.
        loaded_s: When the policy was loaded, in seconds since the epoch.
    """
    notice, premises = None, None
    try:
        notice, premises = notice_of(directory, policy)
        if district is not None:
            standing = "not compared with what is posted: that is the notice of rules.yaml"
            return Papers(policy, loaded_s, notice, premises, standing, notice_true=True)
        problems = Problems()
        posted = load_posted(directory)
        standing = check_posted(notice, posted, POSTED, problems)
        if notice is not None and posted is None:
            standing = "not recorded as posted"  # what to do about it, `hallwatch check` says at length
        problems.raise_if_any()
    except RulesError as error:
        return Papers(policy, loaded_s, notice, premises, str(error.problems[0]), notice_true=False)
    return Papers(policy, loaded_s, notice, premises, standing, notice_true=True)


def why_no_notice(papers: Papers) -> str:
    """For who asks for a notice that cannot be written."""
    return papers.standing if not papers.notice_true else f"There is no {PREMISES} among the rules, so no notice."
