from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from catalog.errors import SettingsError
from catalog.storage.ledger import KEY_BYTES, VARIABLE, Ledger, Tombstone

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


@pytest.mark.parametrize("line", ["gpt abc 5", "gpt 00ff", "author 00ff soon", "author zz 5"])
def test_line_that_is_no_tombstone_says_what_to_do(tmp_path: Path, line: str) -> None:
    ledger = Ledger(tmp_path)
    ledger.own_key()
    with ledger.path.open("a", encoding="utf-8") as file:
        file.write(f"gpt 00ff 5\n\n# a remark\n{line}\n")
    with pytest.raises(SettingsError, match="a tombstone that is none: put back a copy"):
        ledger.tombstones()


@pytest.mark.parametrize("word", ["abc", "zz" * KEY_BYTES, "00" * (KEY_BYTES - 1), ""])
def test_key_that_is_none_is_refused_wherever_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    ledger = Ledger(tmp_path)
    ledger.own_key()
    assert len(ledger.keys()) == 1
    if word:
        monkeypatch.setenv(VARIABLE, word)
        with pytest.raises(SettingsError, match=f"{VARIABLE} holds a key .* that is none"):
            ledger.keys()
        monkeypatch.delenv(VARIABLE)
    with ledger.path.open("a", encoding="utf-8") as file:
        file.write(f"key {word}\n")
    with pytest.raises(SettingsError, match=f"{ledger.path} holds a key .* that is none"):
        ledger.keys()


def test_keys_of_others_are_learned_by_writers_at_once(tmp_path: Path) -> None:
    others = [Ledger(tmp_path / str(number)) for number in range(WRITERS)]
    names = {each.own_key().name for each in others}
    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(lambda other: Ledger(tmp_path / "mine").learn(other), others))
    assert Ledger(tmp_path / "mine").keys().keys() == names
