"""Forgetting a GPT, or an author with all of theirs (rule 15).

First comes the tombstone, then everything else, in steps that may be repeated: whoever is cut off
gives the same command again. What the catalog cannot reach, backups and exports, is named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from catalog.report.writing import FEEDS, REPORTS, remove_written
from catalog.storage.engine import ledger_of, read, write
from catalog.storage.erasing import Covered, Erased, count_covered, erase, find_covered
from catalog.storage.ledger import Kind
from catalog.storage.locks import own_derivation
from catalog.storage.mentioning import Needles
from catalog.storage.prune import Pruned, record
from catalog.storage.scrubbing import scrub
from catalog.storage.tombstones import add_tombstones, graves_of, sync

if TYPE_CHECKING:
    from catalog.records import Deriver
    from catalog.storage.engine import Connection, Engine
    from catalog.times import Micros

WRITTEN = (REPORTS, FEEDS, "pages")
"""Folders with what is written of the catalog, and can be written again."""
BACKUPS = ("backups/*", "*.backup-*", "*.db", "*.sqlite")
EXPORTS = ("manifest.json", "datapackage.json")
"""Files that an export has."""
HALVES = (".*.partial", "*.recovering")
"""Folders that an export or a recovery left which was killed."""


class Forgotten(msgspec.Struct, kw_only=True):
    """What was forgotten, or would be.

    Attributes:
        kind: ``gpt`` or ``author``.
        dry_run: whether it is only said.
        gpts: GPTs of which something was kept.
        rows: rows that went, or texts in them, by table.
        files: reports, feeds and pages that were removed.
        unreached: backups and exports in the catalog's folder, which may still hold it.
    """

    kind: Kind
    dry_run: bool
    gpts: int = 0
    rows: dict[str, int] = msgspec.field(default_factory=dict)
    files: list[str] = msgspec.field(default_factory=list)
    unreached: list[str] = msgspec.field(default_factory=list)


def forget(
    engine: Engine,
    deriver: Deriver,
    kind: Kind,
    name: str,
    folder: Path,
    now: Micros,
    *,
    dry_run: bool = False,
    report: Callable[[str], None] = lambda _: None,
) -> Forgotten:
    """Forget one GPT, or an author and whatever GPTs documents ever named them for.

    Args:
        engine: the catalog, opened for durable writing; only read in a dry run.
        deriver: the rules.
        kind: what ``name`` names.
        name: the id of the GPT, or the author's ``user_id``.
        folder: where reports, feeds, backups and exports are.
        now: the present moment.
        dry_run: only say what would go.
        report: told what is being done.

    Raises:
        CatalogBusy: all is erased, but another process keeps the file from being written anew.
        SettingsError: the key of the tombstones is missing.
        StorageError: the catalog cannot be used.
    """
    done = Forgotten(
        kind=kind, dry_run=dry_run, unreached=[str(p) for p in _unreached(engine, folder)]
    )
    if dry_run:
        with read(engine) as conn:
            covered = _covered(conn, deriver, [(kind, name)])
            gpts: list[tuple[Kind, str]] = [("gpt", each) for each in _gpts(covered)]
            covered = _covered(conn, deriver, [(kind, name), *gpts])
            done.gpts, done.rows = len(_gpts(covered)), count_covered(conn, covered)
            done.files = [str(path) for path in _naming(conn, folder, _named(covered, name))]
        return done
    report("writing the tombstone")
    with write(engine) as conn:
        own_derivation(conn)
        add_tombstones(conn, kind, [name], now)
        if kind == "author":
            add_tombstones(conn, "gpt", _gpts(_covered(conn, deriver)), now)
        sync(conn, ledger_of(engine))
    report("erasing")
    with read(engine) as conn:
        needles = _named(_covered(conn, deriver), name)
    files = _remove_files(engine, folder, needles)
    with write(engine) as conn:
        own_derivation(conn)
        erased = _erase(conn, deriver)
        record(conn, now, [_pruned(erased)])
    # A report that was being written meanwhile is caught now: nothing can name them any more.
    files += _remove_files(engine, folder, needles)
    report("writing the catalog's files anew")
    scrub(engine)
    done.gpts, done.rows, done.files = erased.gpts, erased.rows, files
    return done


def _covered(
    conn: Connection, deriver: Deriver, also: list[tuple[Kind, str]] | None = None
) -> Covered:
    graves = graves_of(conn, also or ())
    return Covered() if graves is None else find_covered(conn, deriver, graves)


def _erase(conn: Connection, deriver: Deriver) -> Erased:
    covered = _covered(conn, deriver)
    return erase(conn, deriver, covered) if covered else Erased()


def _gpts(covered: Covered) -> set[str]:
    return set(covered.gizmo_ids) | set(covered.observations.values())


def _named(covered: Covered, name: str) -> Needles:
    return covered.needles | Needles(ids=frozenset({name}) | _gpts(covered))


def _pruned(erased: Erased) -> Pruned:
    return Pruned(
        what="forgotten",
        removed=sum(erased.rows.values()),
        note=f"{erased.gpts} GPTs, whole, as somebody asked for",
    )


# Files beside the catalog.


def _written(folder: Path) -> Iterator[Path]:
    for name in WRITTEN:
        yield from (path for path in sorted((folder / name).rglob("*")) if path.is_file())


def _naming(conn: Connection, folder: Path, needles: Needles) -> list[Path]:
    """The reports, feeds and pages that name somebody who is to be forgotten."""
    graves, finds = graves_of(conn), needles.finder()

    def names(text: bytes) -> bool:
        return finds(text) or (graves is not None and bool(graves.named_in(text)))

    return [path for path in _written(folder) if names(path.read_bytes())]


def _remove_files(engine: Engine, folder: Path, needles: Needles) -> list[str]:
    with read(engine) as conn:
        found = _naming(conn, folder, needles)
    for path in found:
        remove_written(path)
    return [str(path) for path in found]


def _unreached(engine: Engine, folder: Path) -> list[Path]:
    """Backups and exports that are known by their places: what is in them stays."""
    folders = {folder, ledger_of(engine).path.parent}
    own = engine.url.database or ""
    found = {
        path.resolve()
        for each in folders
        for pattern in BACKUPS
        for path in each.glob(pattern)
        if path.is_file() and path.resolve() != Path(own).resolve()
    }
    exports = {
        path.parent.resolve() for each in folders for name in EXPORTS for path in each.rglob(name)
    }
    halves = {
        path.resolve()
        for each in folders
        for pattern in HALVES
        for path in each.rglob(pattern)
        if path.is_dir()
    }
    return sorted(found | exports | halves)
