"""Many documents, spread over processes; and a share of them through the real write path."""

from __future__ import annotations

import hashlib
import multiprocessing
import random
import time
import traceback
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import select

from catalog.derive import Derivation
from catalog.dialects.recorded import read_value
from catalog.importing.importer import Importer
from catalog.secrets import Redactor
from catalog.storage.dump import digest
from catalog.storage.engine import open_engine, read, write
from catalog.storage.migrate import init
from catalog.storage.rebuild import rebuild
from catalog.storage.tables import discoveries, payloads
from catalog.storage.verify import verify
from catalog.times import FixedClock
from tests.fuzz.trial import NOW, Fuzzer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy import Engine

PART = 500
"""Documents of one call of a process, and lines of one file."""
_SHOWN = 1500


@dataclass
class Tried:
    """What a campaign did.

    Attributes:
        told: how many documents were stored, set aside, and so on.
        faults: where the program fell, by the number of the document.
        cpu: seconds of all processes.
    """

    told: Counter[str] = field(default_factory=Counter)
    faults: dict[int, str] = field(default_factory=dict)
    cpu: float = 0.0

    def add(self, other: Tried) -> None:
        """Count another part in."""
        self.told += other.told
        self.faults |= other.faults
        self.cpu += other.cpu


_fuzzers: dict[int, Fuzzer] = {}
"""The fuzzer of each seed, made once in each process."""


def _fuzzer(seed: int) -> Fuzzer:
    if seed not in _fuzzers:
        _fuzzers[seed] = Fuzzer(seed)
    return _fuzzers[seed]


def try_part(seed: int, first: int, count: int) -> Tried:
    """Try some documents after each other, whatever becomes of one."""
    fuzzer = _fuzzer(seed)
    tried = Tried()
    begun = time.process_time()
    for number in range(first, first + count):
        try:
            fuzzer.try_one(number, tried.told)
        except Exception:  # noqa: BLE001 - whatever it is, it is what is looked for
            tried.faults[number] = traceback.format_exc()[-_SHOWN:]
    tried.cpu = time.process_time() - begun
    return tried


def campaign(
    seed: int, dose: int, processes: int, told: Callable[[int, Tried], None] = lambda *_: None
) -> Tried:
    """Try ``dose`` documents in memory.

    Args:
        seed: they follow from it.
        dose: how many.
        processes: how many are tried at once.
        told: called with how many have been tried, and what came of them, now and then.
    """
    whole = Tried()
    parts = ((seed, first, min(PART, dose - first)) for first in range(0, dose, PART))
    if processes == 1:
        for part in parts:
            whole.add(try_part(*part))
        return whole
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=spawn) as pool:
        # A few at a time: ten million documents are twenty thousand parts.
        waiting = True
        done = 0
        while waiting:
            taken = [part for _, part in zip(range(8 * processes), parts, strict=False)]
            for tried in pool.map(try_part, *zip(*taken, strict=True)) if taken else ():
                whole.add(tried)
            done += sum(part[2] for part in taken)
            waiting = bool(taken)
            told(done, whole)
    return whole


def through_storage(seed: int, dose: int, folder: Path) -> Counter[str]:
    """Import ``dose`` documents into a catalog, in files of lines, each file as often as it likes.

    Args:
        seed: they follow from it.
        dose: how many.
        folder: an empty one.

    Returns:
        How many were stored, named or set aside.

    Raises:
        AssertionError: a line is lost without a word, the catalog is not whole, or it is another
            one when it is derived anew.
    """
    fuzzer = _fuzzer(seed)
    url = f"sqlite:///{folder / 'catalog.db'}"
    init(url, NOW)
    engine = open_engine(url)
    told: Counter[str] = Counter()
    try:
        for first in range(0, dose, PART):
            path = folder / f"2026-02-{1 + first // PART % 28:02}-{first}.jsonl"
            lines = list(_lines(fuzzer, first, min(PART, dose - first)))
            path.write_bytes(b"\n".join(lines))
            importer = Importer(
                engine,
                "fuzzed",
                "recorded",
                deriver=Derivation(),
                redactor=Redactor(()),
                clock=FixedClock(NOW),
                rng=random.Random(first),
            )
            done = importer.run([path])
            _account(engine, lines, path, {each.place for each in done.set_aside})
            told["documents"] += done.documents
            told["set aside"] += len(done.set_aside)
            told["named"] += done.mentions
            path.unlink()
        with read(engine) as conn:
            wrong = [each for each in verify(conn) if each.findings]
            before = digest(conn)
        assert not wrong, wrong
        with write(engine) as conn:
            rebuild(conn, Derivation())
        with read(engine) as conn:
            assert digest(conn) == before, "derived anew it is another catalog"
    finally:
        engine.dispose()
    told["lines"] = dose
    return told


def _lines(fuzzer: Fuzzer, first: int, count: int) -> Iterator[bytes]:
    """Documents as lines: a line break within one would make two of it."""
    for number in range(first, first + count):
        yield fuzzer.bytes_of(number).replace(b"\n", b" ").replace(b"\r", b" ")


def _account(engine: Engine, lines: list[bytes], path: Path, set_aside: set[str]) -> None:
    """Every line is archived, has named a GPT, or was set aside by its place."""
    with read(engine) as conn:
        archived = {bytes(each) for each in conn.scalars(select(payloads.c.digest))}
        named = set(conn.scalars(select(discoveries.c.gizmo_id)))
    for number, line in enumerate(lines, 1):
        place = f"{path}:{number}"
        if place in set_aside or not line.strip():
            continue
        found = read_value(line)
        assert found.readings or found.mentions, f"{place} is lost without a word"
        for reading in found.readings:
            digest_of = hashlib.sha256(reading.payload).digest()
            assert digest_of in archived, f"{place}: a document is lost without a word"
        for mention in found.mentions:
            assert mention.gizmo_id in named, f"{place}: an id is lost without a word"
