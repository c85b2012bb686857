"""The policy in force -> its coverage, clause by clause, as the body of a page: what `hallwatch coverage` prints."""

from agent.policy.coverage import columns, coverage, heading, not_advice
from agent.policy.policy import Policy
from agent.web.elements import PROSE, Column, Markup, element, joined, section, table


def coverage_body(policy: Policy) -> Markup:
    """The body: a table of the clauses, where there are any, and one of the rules that rest on other words."""
    found = coverage(policy)
    title, *lines = heading(policy.pack)
    clauses = table(
        "",
        [Column(columns[0].capitalize(), "clause"), *(Column(name.capitalize(), "long") for name in columns[1:])],
        [
            (
                _lines(row.clause.number, element("small", row.clause.identifier)),
                row.clause.paraphrase,
                _lines(
                    *(
                        joined(element("b", rule), ": ", counted)
                        for rule, counted in zip(row.clause.rules, row.counted, strict=True)
                    )
                )
                if row.counted
                else "nothing",
                row.clause.not_observable or "–",
            )
            for row in found.rows
        ],
        kind=PROSE,
        label="Clauses of the written policy",
    )
    others = table(
        "",
        [Column("Rule", "clause"), Column("Rests on", "long"), Column("Counted", "long")],
        [(rule.identifier, rule.clause or rule.because, counted) for rule, counted in found.others],
        kind=PROSE,
        label="Rules that rest on other words",
    )
    return joined(
        section(
            "clauses",
            title,
            *(element("p", line, class_="quiet") for line in lines),
            *([clauses] if found.rows else []),
        ),
        section("others", "Rules that rest on other words", others),
        element("p", not_advice, class_="quiet"),
    )


def _lines(*parts: Markup | str) -> Markup:
    return joined(*parts, between="<br>")
