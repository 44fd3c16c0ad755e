"""Making a new catalog of what can be saved of a damaged one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from catalog.disk import fsync, own
from catalog.errors import CatalogCorrupt, SettingsError, StorageError, UsageError
from catalog.settings.urls import file_url
from catalog.storage.engine import open_engine, write
from catalog.storage.ledger import Ledger
from catalog.storage.migrate import init
from catalog.storage.recovering import Recovered, Recovery
from catalog.storage.salvage import Wreck
from catalog.storage.scrubbing import scrub

if TYPE_CHECKING:
    from catalog.records import Deriver
    from catalog.times import Micros

WORK = ".recovering"
"""Ends the name of the folder in which a recovery is under way."""


def recover(
    source: Path,
    target: Path,
    deriver: Deriver,
    now: Micros,
    report: Callable[[str], None] = lambda _: None,
) -> Recovered:
    """Save what can be saved of the catalog in ``source``, which stays as it is.

    Args:
        source: the damaged file.
        target: where the new catalog goes; nothing may be there.
        deriver: the rules.
        now: the present moment.
        report: takes lines of progress.

    Raises:
        UsageError: there is no file ``source``, there is something at ``target``, or another
            process recovers to it.
        CatalogCorrupt: nothing of it can be read, or it is no catalog.
        StorageError: the new catalog cannot be written.
    """
    if not source.is_file():
        raise UsageError(f"there is no file {source}")
    if target.exists():
        raise UsageError(f"{target} is there already: name another file with --to")
    with _work_folder(target) as work:
        beside = target.absolute().parent
        # In a folder of its own: a ledger wants its folder for itself, and this one is taken.
        made = work / "made"
        wreck = Wreck(source, work / "damaged.db")
        try:
            ledgers = [Ledger(source.absolute().parent), Ledger(beside)]
            done = _save(wreck, made / "catalog.db", ledgers, deriver, now, report)
        except SettingsError as error:
            # The key is wanted where people have folders, not where this one will be gone.
            there, here = (str(each.path) for each in (Ledger(made), ledgers[0]))
            raise SettingsError(str(error).replace(there, here)) from None
        finally:
            wreck.close()
        if done.is_short and not any(done.saved.values()):
            raise CatalogCorrupt(
                f"{source} is no catalog, or holds nothing that can be saved: check its name, or"
                " restore a backup"
            )
        # First: without the keys nobody could tell there who must not be kept.
        _repeat(Ledger(made), Ledger(beside))
        # Closing the last connection took the log into the file, which now stands alone.
        (made / "catalog.db").replace(target)
        fsync(beside)
    return done


@contextmanager
def _work_folder(target: Path) -> Iterator[Path]:
    """An empty folder beside ``target``, this process's alone, gone when the block ends."""
    work = target.with_name(f"{target.name}{WORK}")
    try:
        work.mkdir(parents=True, exist_ok=True)
        handle = os.open(work, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        raise StorageError(f"no folder {work} can be made ({error.strerror})") from None
    try:
        own(
            handle,
            UsageError(
                f"another process recovers to {target}: wait for it, or name another file with --to"
            ),
        )
        for left in work.iterdir():
            if left.is_dir() and not left.is_symlink():
                shutil.rmtree(left)
            else:
                left.unlink()
        try:
            yield work
        finally:
            shutil.rmtree(work, ignore_errors=True)
    finally:
        os.close(handle)


def _save(
    wreck: Wreck,
    target: Path,
    ledgers: Iterable[Ledger],
    deriver: Deriver,
    now: Micros,
    report: Callable[[str], None],
) -> Recovered:
    url = file_url(target)
    init(url, now)
    # Tombstones, which are saved first, are asked by what comes after.
    for ledger in ledgers:
        _repeat(ledger, Ledger(target.parent))
    engine = open_engine(url, durable=True)
    try:
        with write(engine) as conn:
            done = Recovery(wreck, conn, deriver, now, report).run()
        if done.erased:
            scrub(engine)
    finally:
        engine.dispose()
    return done


def _repeat(ledger: Ledger, into: Ledger) -> None:
    """Have a ledger's keys and tombstones in another one."""
    into.learn(ledger)
    into.add(ledger.tombstones())
