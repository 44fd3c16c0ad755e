from __future__ import annotations

from pathlib import Path

import pytest

from catalog.cli.references import gather
from catalog.errors import UsageError


def test_words_and_a_list_are_taken_together_each_once(tmp_path: Path) -> None:
    refs = tmp_path / "ids.txt"
    refs.write_text("# mine\ng-bbbbbbbbb\n\ng-aaaaaaaaa  # again\nnonsense\ng-bbbbbbbbb\n")
    found = gather(["g-aaaaaaaaa", "https://chatgpt.com/g/g-aaaaaaaaa-slug"], refs)
    assert found.ids == ("g-aaaaaaaaa", "g-bbbbbbbbb")
    assert found.duplicates == 3
    assert [(each.place, each.text) for each in found.refused] == [(f"{refs}:5", "nonsense")]


def test_word_that_names_nothing_is_refused_with_the_reason() -> None:
    found = gather(["g-p-0123456789abcdef0123456789abcdef"], None)
    assert found.ids == ()
    assert "project" in found.refused[0].reason


def test_list_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"ids\.txt"):
        gather([], tmp_path / "ids.txt")


@pytest.mark.parametrize("data", [b"g-aaaaaaaaa\n\x00", b"\xff\xfeg\x00", b"caf\xe9\n"])
def test_list_that_is_no_text_is_an_error(tmp_path: Path, data: bytes) -> None:
    refs = tmp_path / "ids.txt"
    refs.write_bytes(data)
    with pytest.raises(UsageError, match=r"ids\.txt is no text"):
        gather([], refs)
