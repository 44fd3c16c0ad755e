from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from catalog.storage.ledger import Ledger, Tombstone

WRITERS = 8


def test_writers_at_once_lose_no_tombstone(tmp_path: Path) -> None:
    """As two catalogs of one folder would: each reads the file, and writes it anew."""

    def add(writer: int) -> None:
        for number in range(10):
            name = f"g-{writer}-{number}"
            ledger = Ledger(tmp_path)
            ledger.add([Tombstone("gpt", ledger.own_key().hash("gpt", name), 0)])

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(add, range(WRITERS)))
    ledger = Ledger(tmp_path)
    assert len(ledger.keys()) == 1
    assert len(ledger.tombstones()) == WRITERS * 10
    assert [path.name for path in tmp_path.iterdir()] == [ledger.path.name]


def test_keys_of_others_are_learned_by_writers_at_once(tmp_path: Path) -> None:
    others = [Ledger(tmp_path / str(number)) for number in range(WRITERS)]
    names = {each.own_key().name for each in others}
    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(lambda other: Ledger(tmp_path / "mine").learn(other), others))
    assert Ledger(tmp_path / "mine").keys().keys() == names
