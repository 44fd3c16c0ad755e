"""The work of the job ``discover``: searches, authors' names and lists bring new ids.

Each id that becomes known has a row in ``discoveries`` that says by which words or file, at which
place, when.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from catalog.dialects import get_dialect
from catalog.errors import UsageError
from catalog.harvest.asking import askable, told
from catalog.harvest.discovering import Answered, Discovered, Discovering, DiscoverJob
from catalog.records import Verdict
from catalog.references import parse_reference
from catalog.settings import SourceSettings, api_key, source_keys
from catalog.storage import engine as engines
from catalog.storage import frontier
from catalog.storage.engine import read
from catalog.storage.locks import share_derivation
from catalog.storage.mentions import Named, add_named, names_to_search, note_searched
from catalog.storage.sources import add_source
from catalog.storage.tombstones import forgotten_among
from catalog.text import escape_text
from catalog.working import JobContext, JobResult

if TYPE_CHECKING:
    from catalog.storage.engine import Engine

LISTS = "lists"
"""The source that lists of references are filed under: nobody was asked for them."""


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """What a list of references brought.

    Attributes:
        file: the list.
        ids: references in it that name a GPT.
        new: of them, ids not known before.
        refused: lines that name none.
        forgotten: of the ids, those that the catalog was told to forget: they are not kept.
    """

    file: str
    ids: int
    new: int
    refused: int
    forgotten: int


def search(
    context: JobContext,
    engine: Engine,
    source: SourceSettings,
    queries: Sequence[str],
    report: Callable[[Answered], None] = lambda _: None,
) -> Discovered:
    """Ask one source for the GPTs that match each of some queries.

    Raises:
        UsageError: the source's dialect cannot search.
        StorageError: the catalog cannot be used.
    """
    discovery = Discovering(
        DiscoverJob(
            engine=engine,
            source=source,
            key=api_key(source, context.environ),
            secrets=source_keys(context.settings, context.environ),
            queries=tuple(dict.fromkeys(queries)),
            clock=context.clock,
            rng=context.rng,
        ),
        report,
    )

    async def run() -> Discovered:
        async with told(context.stopping, discovery.stop):
            return await discovery.run()

    return asyncio.run(run())


def searchable(
    context: JobContext, sources: Sequence[SourceSettings]
) -> tuple[list[SourceSettings], list[str]]:
    """Those of some sources that can be searched, and why the others cannot.

    Asked before anything is sent: one that cannot must not fail what was paid for at the others.

    Raises:
        SettingsError: one of them lacks its address or its key.
    """
    able, unable = [], []
    for source in sources:
        try:
            get_dialect(source).search("GPTs")
        except UsageError as error:
            unable.append(f"left out: {error}")
        else:
            api_key(source, context.environ)
            able.append(source)
    return able, unable


def take_list(context: JobContext, engine: Engine, path: Path) -> Listed:
    """Make the GPTs known that a list of references names, one a line, ``#`` for comments.

    Raises:
        UsageError: the list cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not written in UTF-8"
        raise UsageError(f"{path}: {why}") from None
    now, refused = context.clock.now(), 0
    named: dict[str, Named] = {}
    for rank, line in enumerate(lines, start=1):
        text = line.split("#", 1)[0].strip()
        if not text:
            continue
        try:
            gizmo_id = parse_reference(text)
        except UsageError:
            refused += 1
            continue
        named.setdefault(
            gizmo_id,
            Named(
                gizmo_id=gizmo_id,
                query=escape_text(str(path)),
                at=now,
                rank=rank,
                title="",
                payload=line.encode(),
            ),
        )
    with engines.write(engine) as conn:
        share_derivation(conn)
        engines.lock_keys(conn, set(named))
        gone = forgotten_among(conn, named)
        source_id = add_source(conn, LISTS, "recorded", now)
        new = frontier.add_ids(conn, named, now)
        fresh = frontier.unknown_to(conn, source_id, named)
        add_named(conn, source_id, [each for each in named.values() if each.gizmo_id in fresh])
    return Listed(file=str(path), ids=len(named), new=new, refused=refused, forgotten=len(gone))


def next_names(engine: Engine, count: int) -> list[str]:
    """The names of authors whose turn it is to be searched for."""
    if not count:
        return []
    with read(engine) as conn:
        return names_to_search(conn, count)


def had_their_turn(engine: Engine, names: Sequence[str], found: Iterable[Discovered]) -> None:
    """Note up to which name the searches came; names that nobody was asked for keep their turn.

    Args:
        engine: the catalog, opened for durable writing.
        names: in the order of their turns.
        found: how the searches for them ended, at all sources.
    """
    answered: dict[str, bool] = {}
    for done in found:
        for each in done.each:
            is_told = each.verdict is Verdict.DOCUMENT
            answered[each.query] = answered.get(each.query, False) or is_told
    last = None
    for name in takewhile(answered.__contains__, names):
        # One that failed is passed over once a later one was answered: it cannot hold up the rest.
        last = name if answered[name] else last
    if last is not None:
        with engines.write(engine) as conn:
            note_searched(conn, last)


def work(context: JobContext) -> JobResult:
    """Search for the configured words and the names of some authors, and read the lists."""
    options = context.options
    with context.catalog(read_only=False) as engine:
        lists = [take_list(context, engine, Path(path)) for path in _texts(options.get("files"))]
        queries = list(_texts(options.get("queries")))
        names = next_names(engine, int(options.get("authors") or 0))
        queries += names
        found: list[Discovered] = []
        sources, unable = (
            searchable(context, askable(context.settings, context.sources)) if queries else ([], [])
        )
        for source in sources:
            if context.stopping.is_set():
                break
            found.append(search(context, engine, source, queries))
            had_their_turn(engine, names, found)
    return _result(lists, found, queries, unable, stopped=context.stopping.is_set())


def _result(
    lists: Sequence[Listed],
    found: Sequence[Discovered],
    queries: Sequence[str],
    unable: Sequence[str],
    *,
    stopped: bool,
) -> JobResult:
    failed = sum(each.failed for each in found)
    left = sum(each.left for each in found)
    forgotten = sum(each.forgotten for each in found) + sum(each.forgotten for each in lists)
    numbers: dict[str, int | float] = {
        "found": sum(each.named for each in found) + sum(each.ids for each in lists),
        "new": sum(each.new for each in found) + sum(each.new for each in lists),
        "documents": sum(each.documents for each in found),
        "queries": len(queries),
        "failed": failed,
        "left": left,
        "forgotten": forgotten,
        "requests": sum(each.requests for each in found),
    }
    reasons = [*unable, *(each.stop.words for each in found if each.stop)]
    ids = "1 id" if numbers["found"] == 1 else f"{numbers['found']:,} ids"
    told_text = f"{ids} named, {numbers['new']:,} of them new"
    if forgotten:
        told_text += f"; {forgotten:,} not kept, as this catalog was told to forget them"
    if stopped:
        return JobResult(numbers=numbers, status="stopped", message=told_text)
    nothing = queries and not any(each.answered for each in found)
    return JobResult(
        numbers=numbers,
        status="failed" if nothing else "partly" if failed or left else "done",
        message="; ".join([told_text, *reasons])
        if queries or lists
        else "nothing to look for: name queries, authors or files in [jobs.discover]",
        refused=any(each.stop is not None and each.stop.kind == "refused" for each in found),
    )


def _texts(value: Iterable[str] | None) -> tuple[str, ...]:
    return tuple(value or ())
