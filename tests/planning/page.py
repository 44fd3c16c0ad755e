"""The tables and the plot of docs/planning.md, from what was simulated."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from catalog.plan import Objective
from tests.planning.campaign import HARD, KINDS, MEASURED, SHARES, Key, Result
from tests.planning.worlds import FAMILIES

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "planning.md"
PLOT = ROOT / "docs" / "planning.svg"
BEGIN, END = "<!-- made by `make planning` -->", "<!-- end of what is made -->"

Means = Mapping[Key, Result]

_FRESH, _CHANGES = Objective.FRESHNESS.value, Objective.CHANGES.value


def write(means: Means, *, gpts: int, seeds: int, rates: Sequence[float]) -> None:
    """Put the tables between the page's marks, and the plot beside it."""
    text = PAGE.read_text(encoding="utf-8")
    made = "\n".join(
        [
            BEGIN,
            "",
            _dose(gpts, seeds, rates),
            "",
            *_freshness(means),
            "",
            *_tracking(means),
            "",
            *_hard(means),
            "",
            END,
        ]
    )
    text = re.sub(f"{re.escape(BEGIN)}.*{re.escape(END)}", lambda _: made, text, flags=re.DOTALL)
    PAGE.write_text(text, encoding="utf-8")
    plot(means, PLOT)


def _dose(gpts: int, seeds: int, rates: Sequence[float]) -> str:
    text = f"{gpts} GPTs, 730 days of which the first 365 are burn-in, means of {seeds} seeds."
    if rates:
        mean = sum(rates) / len(rates)
        middle = rates[len(rates) // 2]
        text += (
            f" Measured: {len(rates)} GPTs of a public daily archive, mean {mean:.4f} and"
            f" median {middle:.4f} changes a day."
        )
    return text


def _freshness(means: Means) -> list[str]:
    lines = [
        (
            "| rates | weights | visits a GPT and day | round robin | learned | told | optimum |"
            " learned / optimum | learned / told |"
        ),
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for (objective, name, weighted, share), r in means.items():
        if objective == _FRESH and name in {*FAMILIES, MEASURED}:
            lines.append(
                f"| {name} | {'Pareto(1.1)' if weighted else 'equal'} | {share:.3f} |"
                f" {r.even:.3f} | {r.learned:.3f} | {r.told:.3f} | {r.best:.3f} |"
                f" {r.ratio:.3f} | {r.learned / r.told:.3f} |"
            )
    return lines


def _tracking(means: Means) -> list[str]:
    lines = [
        (
            "| rates | visits a GPT and day | changes seen: round robin | objective freshness |"
            " objective changes | rates known | freshness: objective changes / optimum |"
        ),
        "|---|---|---|---|---|---|---|",
    ]
    for (objective, name, weighted, share), r in means.items():
        if objective == _CHANGES:
            other = means[_FRESH, name, weighted, share]
            lines.append(
                f"| {name} | {share:.3f} | {r.seen_even:.3f} | {other.seen:.3f} | {r.seen:.3f} |"
                f" {r.seen_best:.3f} | {r.ratio:.3f} |"
            )
    return lines


def _hard(means: Means) -> list[str]:
    lines = [
        (
            "| what is unusual | visits a GPT and day | round robin | learned | optimum |"
            " learned / optimum |"
        ),
        "|---|---|---|---|---|---|",
    ]
    for (_, name, _, share), r in means.items():
        if name in {*HARD, *KINDS}:
            best = f"{r.best:.3f} | {r.ratio:.3f}" if r.best else "– | –"
            lines.append(f"| {name} | {share:.3f} | {r.even:.3f} | {r.learned:.3f} | {best} |")
    return lines


def plot(means: Means, path: Path) -> None:
    """Freshness over the budget for equal weights, a chart a family."""
    # Asked for here, so that the tests of the campaign need no plotting.
    import leather  # noqa: PLC0415

    grid = leather.Grid()
    for name in (*FAMILIES, MEASURED):
        rows = [means.get((_FRESH, name, False, share)) for share in SHARES]
        # The budgets stand at equal steps: they are chosen so that each matters.
        known = [(place, r) for place, r in enumerate(rows) if r is not None]
        if not known:
            continue
        chart = leather.Chart(f"{name}: freshness, by visits a GPT and day")
        chart.add_y_scale(0, 1)
        chart.add_x_axis(
            ticks=[place for place, _ in known],
            tick_formatter=lambda place, *_: f"{SHARES[int(place)]:.1%}",
        )
        for label, field in (
            ("round robin", "even"),
            ("learned", "learned"),
            ("told", "told"),
            ("optimum", "best"),
        ):
            chart.add_line([(x, getattr(r, field)) for x, r in known], name=label)
        grid.add_one(chart)
    grid.to_svg(str(path))
