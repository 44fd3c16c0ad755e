"""Puts a report into words. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from catalog.query.doings import RunFailures, Spent
from catalog.query.movers import By, Mover
from catalog.query.windows import Gpt, GptChanges, MassNews, Some
from catalog.report.model import Brought, Report, WatchNews, Window
from catalog.report.page import (
    LINE,
    NAME,
    Item,
    Line,
    Page,
    Section,
    change_lines,
    command,
    gpt_line,
    line,
    minute,
    more_line,
    name_span,
    title_of,
)
from catalog.storage.alarms import Standing
from catalog.times import DAY, day_of
from catalog.wording.changes import Span, days, label, sides
from catalog.wording.text import count, difference, harmless, money, number, shorten

LEAST_RATING = 0.005
"""Growth of a rating that is told."""
EXAMPLE = 60
"""Characters of an example of a value."""

_MOVED: dict[By, str] = {
    "conversations": "conversations",
    "reviews": "reviews",
    "rating": "rating (the lower bound)",
}
_TURNS = {True: "began to answer", False: "ceased to answer"}
_DRIFT = {"appeared": "appeared", "vanished": "vanished", "type": "came with a new type"}


def compose(report: Report, *, watch: str | None = None) -> Page:
    """A report in words.

    Args:
        report: the report.
        watch: only what is to be told of this watch.
    """
    window = report.window
    if watch is not None:
        news = next(each for each in report.watches if each.name == watch)
        head, *sections = _watch(news, window)
        return Page(
            title=f"Watch {watch}: {title_of(window)}", lead=head.rest, sections=tuple(sections)
        )
    return Page(
        title=f"GPTs catalog: {title_of(window)}",
        lead=headline(report),
        sections=tuple(_sections(report)),
    )


def headline(report: Report) -> Line:
    """The paragraph that is read first: all that happened, in numbers."""
    brought, window = report.brought, report.window
    told = [
        f"{count(brought.new.total, 'GPT is', 'GPTs are')} new",
        f"{number(brought.changed.total)} changed"
        + (f" ({count(brought.changes, 'change')})" if brought.changes else ""),
        f"{number(brought.gone.total)} {'is' if brought.gone.total == 1 else 'are'} gone",
    ]
    if brought.back.total:
        told.append(f"{number(brought.back.total)} came back")
    if brought.missing.total:
        told.append(f"{number(brought.missing.total)} went missing")
    sentences = [f"{', '.join(told)}."]
    if brought.mass:
        sentences.append(f"{count(len(brought.mass), 'mass event')} stand apart.")
    if report.late is not None:
        sentences.append(
            f"{count(_total(report.late.brought), 'GPT')} more changed earlier, and are known of"
            " only now."
        )
    requests = sum(run.requests for run in report.runs)
    if report.runs:
        cost = sum(each.cost or 0.0 for each in report.spent)
        priced = any(each.cost is not None for each in report.spent)
        sentences.append(
            f"{count(len(report.runs), 'run')} sent {count(requests, 'request')}"
            + (f", at a cost of {money(cost)}." if priced else ".")
        )
    elif window.run_id is None:
        sentences.append("No run began.")
    failed = sum(run.failed for run in report.runs)
    if failed:
        sentences.append(f"{count(failed, 'id')} ended in no fact.")
    strong: list[str | Span] = []
    for severity, word in (("alarm", "alarm stands"), ("warning", "warning stands")):
        standing = sum(each.severity == severity for each in report.alarms)
        if standing:
            many = word.replace(" stands", "s stand")
            strong.append(Span(f" {count(standing, word, many)}.", "strong"))
    return line(" ".join(sentences), *strong, most=10 * LINE)


def _raised(alarm: Standing, window: Window) -> str:
    """Since when it stands; nothing of one that was found only as the window ended."""
    return "" if alarm.raised_at >= window.until else f" (since {minute(alarm.raised_at)})"


def _sections(report: Report) -> Iterator[Section]:
    window = report.window
    if report.alarms:
        yield Section(
            key="alarms",
            title=line("Alarms"),
            items=tuple(
                Item(
                    line=line(
                        Span(f"{each.severity} {each.kind} {each.subject}".rstrip(), "strong"),
                        f": {each.message}{_raised(each, window)}",
                    )
                )
                for each in report.alarms
            ),
        )
    for news in report.watches:
        yield from _watch(news, window)
    yield from _brought(report.brought, window.words)
    if report.flaps:
        yield Section(
            key="flaps",
            title=line("Hidden"),
            rest=line(
                f"{count(report.flaps, 'change')} of values that come and go: ",
                command("changes", f"{window.words} --all"),
            ),
        )
    yield from _moved(report)
    if report.late is not None:
        first, last = day_of(report.late.first_at), day_of(report.late.last_at)
        yield Section(
            key="late",
            title=line("Known late"),
            rest=line(
                f"Said between {first} and {last}, by imports or from a source's cache, and known"
                " only now."
            ),
        )
        words = f"--since {first} --until {last}"
        yield from _brought(report.late.brought, words, prefix="late-", level=3)
    yield from _failed(report)
    yield from _surprises(report)
    if report.spent:
        yield Section(key="spent", title=line("Spent"), items=tuple(map(_spent, report.spent)))
    if report.next_jobs:
        yield Section(
            key="next",
            title=line("Next"),
            items=tuple(
                Item(line=line(f"{minute(each.at)} ", Span(each.job, "strong")))
                for each in report.next_jobs
            ),
        )


def _brought(
    brought: Brought, words: str, *, prefix: str = "", level: int = 2
) -> Iterator[Section]:
    lists: tuple[tuple[str, str, Some[Gpt], str], ...] = (
        ("new", "New", brought.new, "--class lifecycle --kind added"),
        ("gone", "Gone", brought.gone, "--class lifecycle --kind changed"),
        ("back", "Back", brought.back, "--class lifecycle --kind changed"),
        ("missing", "Missing", brought.missing, "--class lifecycle --kind changed"),
    )
    new, *others = (
        _list(f"{prefix}{key}", title, gpts, command("changes", f"{words} {more}"), level)
        for key, title, gpts, more in lists
    )
    yield from new
    contents = command("changes", f"{words} --class content")
    yield from _changed(f"{prefix}changed", "Changed", brought.changed, contents, level)
    for section in others:
        yield from section
    if brought.mass:
        yield Section(
            key=f"{prefix}mass",
            title=line("Many at once"),
            level=level,
            items=tuple(map(_mass, brought.mass)),
        )


def _list(key: str, title: str, gpts: Some[Gpt], command: Span, level: int) -> list[Section]:
    if not gpts.total:
        return []
    return [
        Section(
            key=key,
            title=line(f"{title}: {number(gpts.total)}"),
            level=level,
            items=tuple(Item(line=gpt_line(gpt)) for gpt in gpts.items),
            rest=more_line(gpts.more, command),
        )
    ]


def _changed(
    key: str, title: str, changed: Some[GptChanges], typed: Span, level: int
) -> Iterator[Section]:
    if changed.total:
        yield Section(
            key=key,
            title=line(f"{title}: {number(changed.total)}"),
            level=level,
            items=tuple(
                Item(line=gpt_line(each.gpt), below=change_lines(each.gpt.gizmo_id, each.changes))
                for each in changed.items
            ),
            rest=more_line(changed.more, typed),
        )


def _watch(news: WatchNews, window: Window) -> Iterator[Section]:
    yield Section(
        key=f"watch-{news.name}",
        title=line(f"Watch {news.name}"),
        rest=line(f"Looks for {news.wanted}.", " Nothing new." if news.is_empty else ""),
    )
    matching = command("search", news.search)
    for key, title, gpts in (("new", "Matches now", news.new), ("left", "No more", news.left)):
        yield from _list(f"watch-{news.name}-{key}", title, gpts, matching, 3)
    for key, title, changed in (
        ("changed", "Changed", news.changed),
        ("late", "Known late", news.late),
    ):
        yield from _changed(
            f"watch-{news.name}-{key}", title, changed, command("changes", window.words), 3
        )


def _moved(report: Report) -> Iterator[Section]:
    for by, grown in report.moved.items():
        # A rating moves a little with every review.
        movers = [each for each in grown if by != "rating" or each.growth >= LEAST_RATING]
        if movers:
            yield Section(
                key=f"moved-{by}",
                title=line(f"Grew most: {_MOVED[by]}"),
                items=tuple(_mover(each, report.window) for each in movers),
                rest=line("more: ", command("changes", f"--movers {by} {report.window.words}")),
            )


def _mover(mover: Mover, window: Window) -> Item:
    # Nobody asked for long: it grew before the window, too.
    since = f" since {day_of(mover.before_at)}" if mover.before_at < window.since - DAY else ""
    author = f" by {shorten(harmless(mover.author), NAME)}" if mover.author else ""
    return Item(
        line=line(
            name_span(mover.name),
            f"{author}: {difference(mover.growth)}{since}, from {number(mover.before)} to"
            f" {number(mover.after)} ",
            Span(mover.gizmo_id, "code"),
        )
    )


def _mass(news: MassNews) -> Item:
    event = news.event
    return Item(
        line=line(
            Span(label(event.field), "strong"),
            f" of {number(event.gpts)} of {count(event.compared, 'GPT')}, {days(event)}",
        ),
        below=tuple(line(f"{sign} {said}") for sign, said in sides(event)),
    )


def _failed(report: Report) -> Iterator[Section]:
    runs, jobs = report.failed_runs, report.failed_jobs
    items = [*map(_failed_run, runs.items)]
    items += [
        Item(
            line=line(
                Span(f"job {each.job}", "strong"),
                f" {each.status}, {minute(each.started_at)}: {each.message}".rstrip(": "),
            )
        )
        for each in jobs.items
    ]
    if items:
        more = runs.more + jobs.more
        yield Section(
            key="failed",
            title=line("Failed"),
            items=tuple(items),
            rest=more_line(more, command("status")),
        )


def _failed_run(failed: RunFailures) -> Item:
    run = failed.run
    source = f" at {run.source}" if run.source else ""
    stopped = f"; {run.status}: {run.reason}" if run.reason else ""
    failures = f"{number(run.failed)} of {count(run.requested, 'id')} failed"
    if not run.requested:
        failures = "no id was asked for"
    more = more_line(failed.more, command("status", f"--failed {run.run_id}"))
    return Item(
        line=line(
            Span(f"{run.command}{source}", "strong"),
            f" {minute(run.started_at)}: {failures}{stopped} ",
            Span(run.run_id, "code"),
        ),
        below=tuple(
            line(
                f"{number(each.count)} {each.verdict.replace('_', ' ')}"
                f"{f' (HTTP {each.status})' if each.status else ''}: {each.detail}".rstrip(": "),
                ", for example ",
                Span(each.example, "code"),
            )
            for each in failed.reasons
        )
        + ((more,) if more else ()),
    )


def _surprises(report: Report) -> Iterator[Section]:
    if report.disagreements:
        yield Section(
            key="disagree",
            title=line("Sources that disagree"),
            items=tuple(
                Item(
                    line=line(
                        Span(" and ".join(each.sources), "strong"),
                        f": of {count(each.compared, 'GPT')} that both spoke of,"
                        f" {number(each.compared - each.agreed)} differ: "
                        + ", ".join(
                            f"{label(path)} ({number(times)})"
                            for path, times in each.fields.items()
                        ),
                    ),
                    below=tuple(
                        line(Span(one.gizmo_id, "code"), f" {', '.join(map(label, one.fields))}")
                        for one in each.examples
                    ),
                )
                for each in report.disagreements
            ),
        )
    if report.turns.total:
        yield Section(
            key="probes",
            title=line(f"Answering: {number(report.turns.total)}"),
            items=tuple(
                Item(
                    line=line(
                        name_span(turn.name),
                        f" {_TURNS[turn.after == 'answered']} ({turn.before} → {turn.after}) ",
                        Span(turn.gizmo_id, "code"),
                    )
                )
                for turn in report.turns.items
            ),
            rest=more_line(report.turns.more, None),
        )
    if report.drift.total or report.unknown.total:
        items = [
            Item(
                line=line(
                    Span(each.path, "code"),
                    f" {_DRIFT[each.kind]} at {each.source}, {minute(each.at)}",
                    *_example(each.example),
                )
            )
            for each in report.drift.items
        ]
        items += [
            Item(
                line=line(
                    Span(each.path, "code"),
                    f" is in no table, in {count(each.count, 'document')}",
                    *_example(each.example),
                )
            )
            for each in report.unknown.items
        ]
        yield Section(
            key="drift",
            title=line("Documents of another form"),
            items=tuple(items),
            rest=more_line(report.drift.more + report.unknown.more, command("status")),
        )


def _example(example: str | None) -> Sequence[Span]:
    if example is None:
        return ()
    return (Span(", as "), Span(shorten(example, EXAMPLE), "code"))


def _spent(spent: Spent) -> Item:
    told = [count(spent.requests, "request")]
    if spent.probes:
        told += [count(spent.probes, "probe"), count(spent.tokens, "token")]
    if spent.cost is not None:
        told.append(f"cost {money(spent.cost)}")
    return Item(
        line=line(Span(spent.source or "several sources", "strong"), f": {', '.join(told)}")
    )


def _total(brought: Brought) -> int:
    return brought.new.total + brought.changed.total + brought.gone.total + brought.back.total
