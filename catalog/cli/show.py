"""``show``: one GPT, all of it."""

from __future__ import annotations

import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from catalog.cli.change_lines import Printer
from catalog.cli.context import App, start
from catalog.cli.metrics import LABELS
from catalog.cli.options import (
    AtOption,
    CatalogOption,
    ConfigOption,
    JsonOption,
    KnownAtOption,
    NoPagerOption,
    ReferenceArgument,
    read_moment,
)
from catalog.cli.text import count, harmless, moment, number, shorten, shown
from catalog.errors import NotFound, SettingsError, UsageError
from catalog.query import gizmos
from catalog.query import history as histories
from catalog.query.raw import original
from catalog.query.told import MIME_PATHS, Known
from catalog.references import parse_reference
from catalog.storage.engine import read
from catalog.storage.tombstones import FORGOTTEN, forgotten_among
from catalog.times import Micros
from catalog.wording.changes import element, label, named
from catalog.wording.tojson import gizmo_json, history_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalog.records import Deriver
    from catalog.storage.engine import Connection

QUIET_FIELDS = frozenset({"name", "created_ago_str"})
"""The name stands above; the other is a localized text about the moment of asking."""
LONGEST = 2000
"""Characters of a value that are shown; --json and --raw have all of it."""


def show(
    ctx: typer.Context,
    ref: ReferenceArgument,
    at: AtOption = None,
    known_at: KnownAtOption = None,
    history: Annotated[
        bool, typer.Option("--history", help="How it came to be: every status and every change.")
    ] = False,
    raw: Annotated[
        bool, typer.Option("--raw", help="The original bytes of its document, as they came.")
    ] = False,
    catalog: CatalogOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    no_pager: NoPagerOption = False,
) -> None:
    """Show one GPT, all of it: every field with its value, since when, and who says so."""
    app = start(ctx, catalog, config, as_json=as_json, pages=not no_pager)
    if raw and history:
        raise UsageError("--raw and --history show two things: name one of them")
    gizmo_id = parse_reference(ref)
    then = read_moment(at, "--at", end_of_day=True)
    by = read_moment(known_at, "--known-at", end_of_day=True)
    known = None if by is None else Known(at=by, deriver=_rules())
    with (
        app.out.paged(),
        app.catalog() as engine,
        read(engine) as conn,
        _forgotten_named(conn, gizmo_id),
    ):
        if raw:
            found = original(conn, gizmo_id, _rules(), then, by)
            app.out.note(
                f"{gizmo_id}: as {found.source} sent it, observed at {moment(found.observed_at)}"
                + (", a secret replaced in it" if found.redacted else "")
            )
            _write_bytes(found.payload)
        elif history:
            past = histories.history(conn, gizmo_id, known, then)
            print_history(app, past)
            app.out.json(history_json(past))
        else:
            gizmo = gizmos.get(conn, gizmo_id, then, known)
            print_gizmo(app, gizmo)
            app.out.json(gizmo_json(gizmo))


@contextmanager
def _forgotten_named(conn: Connection, gizmo_id: str) -> Iterator[None]:
    """Whoever finds nothing is not told to harvest a GPT that no harvest takes in."""
    try:
        yield
    except NotFound:
        # Without its key a tombstone tells nothing.
        with suppress(SettingsError):
            if forgotten_among(conn, [gizmo_id]):
                raise NotFound(f"{gizmo_id}: {FORGOTTEN}") from None
        raise


def _rules() -> Deriver:
    """The rules of derivation, for what replays: others need not wait until they are loaded."""
    # A tenth of the start.
    from catalog.derive import Derivation

    return Derivation()


def _write_bytes(payload: bytes) -> None:
    """Write bytes as they are; on a terminal, where they could steer it, harmless."""
    sys.stdout.flush()
    if sys.stdout.isatty():
        sys.stdout.write(harmless(payload.decode("utf-8", "replace"), lines=True) + "\n")
    else:
        sys.stdout.buffer.write(payload)
        sys.stdout.buffer.flush()


def print_gizmo(app: App, gizmo: gizmos.Gizmo) -> None:
    """Print one GPT for people."""
    out = app.out
    out.line(f"{gizmo.gizmo_id}  {harmless(gizmo.name or '(no name)')}", "bold")
    for word, as_of in (("as of", gizmo.at), ("as known at", gizmo.known_at)):
        if as_of is not None:
            out.line(f"{word} {moment(as_of)}")
    out.line(f"{gizmo.status} since {moment(gizmo.status_since)}")
    if gizmo.at is None:
        out.line(
            f"first seen {moment(gizmo.first_seen_at)}, last seen {moment(gizmo.last_seen_at)},"
            f" last confirmed {moment(gizmo.confirmed_at)},"
            f" last changed {moment(gizmo.last_changed_at)}"
        )
    if gizmo.stale_copies:
        out.line(f"{count(gizmo.stale_copies, 'stale copy', 'stale copies')} set aside")
    by_table: dict[str, list[gizmos.Fact]] = {}
    for fact in gizmo.facts:
        by_table.setdefault(fact.field.table, []).append(fact)
    lists = {listed.field.table: listed for listed in gizmo.lists}
    _facts(app, "content", by_table.get("gizmo_revisions", []))
    by_author = by_table.get("gizmo_authors", [])
    _facts(app, "author", by_author)
    if gizmo.author is not None and not any(fact.value == gizmo.author for fact in by_author):
        known_as = Text(harmless(gizmo.author)).append("  (by the author's other GPTs)", "dim")
        out.hanging("  known as  ", known_as, cells=12)
    if "author_socials" in lists:
        _list(app, lists.pop("author_socials"))
    for listed in lists.values():
        _list(app, listed)
    _facts(app, "attachments", by_table.get("attachments", []))
    _numbers(app, "numbers", gizmo.metrics)
    for point in gizmo.stats:
        _numbers(app, f"counters of source {point.source}, its own", point)
    _facts(app, "as last sent; a difference means nothing", by_table.get("gizmos", []))


def _facts(app: App, title: str, facts: list[gizmos.Fact]) -> None:
    rows = [
        (label(fact.field.path), _fact_value(fact), _says(fact))
        for fact in facts
        if fact.field.column not in QUIET_FIELDS and fact.value is not None
    ]
    nulls = [label(fact.field.path) for fact in facts if fact.value is None]
    if not rows and not nulls:
        return
    app.out.heading(title)
    wide = max((len(name) for name, _, _ in rows), default=0)
    for name, value, says in rows:
        said = Text(value).append("  ").append(says, "dim")
        if app.out.width is None or wide + 4 <= app.out.width // 2:
            app.out.hanging(f"  {name:<{wide}}  ", said, cells=wide + 4)
        else:  # a value that is squeezed to the right edge cannot be read
            app.out.hanging(f"  {name}  ", said, cells=6)
    if nulls:
        app.out.hanging("  ", Text(f"null: {', '.join(nulls)}", "dim"), cells=4)


def _fact_value(fact: gizmos.Fact) -> str:
    value = fact.value
    if isinstance(value, str):
        return shorten(harmless(value, lines=True), LONGEST) if value else '""'
    if fact.field.path in MIME_PATHS:
        return count(len(value), "type")
    return shorten(shown(value, time=fact.field.type == "time"), LONGEST)


def _says(fact: gizmos.Fact) -> str:
    since = "" if fact.since is None else f"since {moment(fact.since)}, "
    return f"({since}{harmless(fact.said.source)}{_unsent(fact.unsent_since)})"


def _unsent(since: Micros | None) -> str:
    return "" if since is None else f"; not sent any more since {moment(since)}"


def _list(app: App, listed: gizmos.Listed) -> None:
    title = f"{label(listed.field.path)}{_unsent(listed.unsent_since)}"
    if listed.items is None:
        app.out.heading(f"{title}: null")
        return
    app.out.heading(f"{title}: {number(len(listed.items))}")
    for item in listed.items:
        line = Text(shorten(_item(listed, item), LONGEST))
        line.append(f"  (since {moment(item.since)}, {harmless(item.said.source)})", "dim")
        app.out.hanging("  ", line, cells=4)


def _item(listed: gizmos.Listed, item: gizmos.Item) -> str:
    values = {name: item.values[name] for name in listed.field.content if name in item.values}
    return named(listed.field.path, element(values), values, item.key)


def _numbers(app: App, title: str, numbers: gizmos.Numbers | None) -> None:
    if numbers is None:
        return
    app.out.heading(f"{title}, moved last {moment(numbers.at)} ({harmless(numbers.source)})")
    rows = [
        [LABELS[name], shown(numbers.values[name])] for name in LABELS if name in numbers.values
    ]
    reviews, stars = numbers.values.get("review_count"), numbers.values.get("review_total")
    if reviews and stars is not None:
        rows.append(["stars on average", f"{stars / reviews:.2f}"])
    app.out.table(rows)


def print_history(app: App, past: histories.History) -> None:
    """Print how one GPT came to be what it is."""
    out = app.out
    out.line(f"{past.gizmo_id}  {harmless(past.name or '(no name)')}", "bold")
    out.heading("status")
    out.table([[each.status, _stretch(each), harmless(each.said.source)] for each in past.statuses])
    out.heading(f"{count(len(past.revisions), 'revision')}")
    out.table([[_stretch(each), harmless(each.said.source)] for each in past.revisions])
    out.heading("changes")
    printer = Printer(out, fold=False, named=False)
    for change in past.changes:
        printer.print(change)
    printer.finish()


def _stretch(each: histories.Stretch) -> str:
    end = "now" if each.valid_to is None else moment(each.valid_to)
    return f"{moment(each.valid_from)} to {end}"
