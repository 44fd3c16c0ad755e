"""``report``: what happened in a window of time, to be read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from zoneinfo import ZoneInfo

import typer

from catalog.cli.context import App, start
from catalog.cli.jobs import planned_jobs
from catalog.cli.options import (
    CatalogOption,
    ConfigOption,
    JsonOption,
    NoPagerOption,
    SinceOption,
    UntilOption,
    read_moment,
)
from catalog.derive import Derivation
from catalog.errors import UsageError
from catalog.report.compose import compose
from catalog.report.feeding import catalog_feed, watch_feed
from catalog.report.feeds import to_atom
from catalog.report.gather import gather, gather_watch, run_window
from catalog.report.html import to_html
from catalog.report.markdown import to_markdown
from catalog.report.model import Window, day_window
from catalog.report.tojson import to_json_report
from catalog.report.watches import Watch, read_watch, read_watches
from catalog.report.writing import put
from catalog.storage.engine import read
from catalog.times import DAY, day_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from catalog.health import Health
    from catalog.report.model import Report
    from catalog.scheduling import Schedule
    from catalog.storage.engine import Connection
    from catalog.times import Micros

Format = Literal["md", "html", "json", "atom"]
PAGES: tuple[Format, ...] = ("md", "html", "json")
"""What is written into a folder where nobody says what."""


def report(
    ctx: typer.Context,
    day: Annotated[
        str | None, typer.Option(metavar="D", help="Of this UTC day, as 2024-02-13.")
    ] = None,
    since: SinceOption = None,
    until: UntilOption = None,
    run: Annotated[
        str | None, typer.Option(metavar="RUN", help="Of what this run brought.")
    ] = None,
    format_: Annotated[
        Format | None,
        typer.Option(
            "--format",
            help="Markdown, HTML, JSON, or the feed of changes up to the window's end.",
        ),
    ] = None,
    watch: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of the watch [watch.NAME] alone.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Write files into this folder: md, html and json, or --format."
        ),
    ] = None,
    catalog: CatalogOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    no_pager: NoPagerOption = False,
) -> None:
    """Say what is new, changed, gone, moved most, failed, and what was spent.

    Without a window it is the last 24 hours, with what runs next. The job report writes the same
    for each UTC day, with feeds; see docs/reports.md.
    """
    app = start(ctx, catalog, config, as_json=as_json, pages=not no_pager)
    if as_json and format_ not in {None, "json"}:
        raise UsageError(f"--json and --format {format_} are two forms: name one of them")
    only = None if watch is None else _watch(app, watch)
    forms: tuple[Format, ...] = PAGES if output else ("md",)
    if format_ or app.out.as_json:
        forms = (format_ or "json",)
    with app.catalog() as engine, read(engine) as conn:
        now = app.clock.now()
        window, schedules = _window(app, conn, now, day, since, until, run)
        if forms == ("atom",):
            made = {"atom": _feed(conn, only, window)}
        elif only:
            made = _forms(gather_watch(conn, window, only), watch, forms)
        else:
            found = gather(
                conn,
                Derivation(),
                window,
                watches=read_watches(app.settings.watch),
                schedules=schedules,
                zone=ZoneInfo(app.settings.catalog.timezone),
                health=_health(app, conn, now) if window.until == now else None,
            )
            made = _forms(found, None, forms)
    name = window.name if watch is None else f"{window.name}-watch-{watch}"
    if output is None:
        with app.out.paged():
            for text in made.values():
                app.out.whole(text)
        return
    paths = [put(output / f"{name}.{form}", text) for form, text in made.items()]
    app.out.lines(map(str, paths))
    app.out.json({"files": [str(path) for path in paths]})


def _health(app: App, conn: Connection, now: Micros) -> Health:
    """How the catalog is now, as ``status`` tells it."""
    from catalog.health import look_at

    return look_at(conn, app.settings, now, list(planned_jobs(app).values()))


def _feed(conn: Connection, watch: Watch | None, window: Window) -> str:
    if watch is None:
        return to_atom(catalog_feed(conn, window.until))
    return to_atom(watch_feed(conn, watch, window.until))


def _forms(found: Report, watch: str | None, forms: tuple[Format, ...]) -> dict[str, str]:
    page = compose(found, watch=watch)
    makers: dict[Format, Callable[[], str]] = {
        "md": lambda: to_markdown(page),
        "html": lambda: to_html(page),
        "json": lambda: to_json_report(found),
    }
    return {form: makers[form]() for form in forms}


def _window(
    app: App,
    conn: Connection,
    now: Micros,
    day: str | None,
    since: str | None,
    until: str | None,
    run: str | None,
) -> tuple[Window, Mapping[str, Schedule]]:
    """The window that is meant; what runs next is for one that ends now.

    Raises:
        UsageError: several are named, one that ends before it begins, or a day to come.
    """
    given = [name for name, value in (("--day", day), ("--run", run)) if value is not None]
    given += ["--since and --until"] if since or until else []
    if len(given) > 1:
        raise UsageError(f"{' and '.join(given)} name several windows: name one")
    if run is not None:
        return run_window(conn, run, now), {}
    if day is not None:
        try:
            window = day_window(day, now)
        except ValueError:
            raise UsageError(f"--day {day!r} is no day: write 2024-02-13") from None
        if window.since > now:
            raise UsageError(f"--day {day} has not begun: today is {day_of(now)} (UTC)")
        return window, {}
    end = read_moment(until, "--until", end_of_day=True)
    begin = read_moment(since, "--since")
    last = now if end is None else min(end, now)
    first = last - DAY if begin is None else begin
    if first > last:
        raise UsageError("that window ends before it begins: nothing lies between")
    planned = planned_jobs(app).values() if end is None else ()
    schedules = {each.name: each.schedule for each in planned if each.schedule}
    return Window(since=first, until=last), schedules


def _watch(app: App, name: str) -> Watch:
    """The watch of that name.

    Raises:
        UsageError: there is none.
    """
    known = app.settings.watch
    if name not in known:
        there = ", ".join(sorted(known)) or "none"
        raise UsageError(f"--watch {name}: there is no [watch.{name}]; there are: {there}")
    return read_watch(name, known[name])
