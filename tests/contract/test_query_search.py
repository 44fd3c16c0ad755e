from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from catalog.errors import InvalidCursor, InvalidFilter, InvalidQuery, UsageError
from catalog.query.counting import count
from catalog.query.search import iterate, search
from catalog.search.filters import MOST_VALUES, SORTS, Filter
from catalog.search.listing import KEY_LENGTH
from catalog.storage.engine import open_engine, read
from tests.contract import searching
from tests.contract.telling import day, document, said, tell

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection, Engine

    from catalog.search.filters import Sort
    from catalog.times import Micros
    from tests.databases import Postgres


def _gpt(gizmo_id: str, name: str | None, used: str | None = "90", **more: Any) -> dict[str, Any]:
    """A document that says nothing but what is given."""
    display: dict[str, Any] = {
        "name": name,
        "description": None,
        "prompt_starters": [],
        "categories": [],
    }
    members: dict[str, Any] = {
        "author": {"user_id": "user-one", "display_name": "Somebody"},
        "display": display | {key: more.pop(key) for key in display if key in more},
        "vanity_metrics": {"num_conversations_str": used},
    }
    return document(gizmo_id, **(members | more)) | {"tools": []}


FIRST = day(1)


def _put(engine: Engine, *documents: dict[str, Any], at: Micros = FIRST) -> None:
    tell(engine, *(said(at, each) for each in documents))


def _found(
    engine: Engine, text: str | None = None, sort: Sort | None = None, **more: Any
) -> list[str]:
    with read(engine) as conn:
        page = search(conn, Filter(text=text, **more), sort=sort, limit=100)
    assert page.after is None
    return [each.removeprefix("g-") for each in searching.ids(page.items)]


def test_relevance_orders_by_where_the_words_stand(engine: Engine) -> None:
    """Rule 18: exact name, name prefix, name, author and category, description, starters."""
    _put(
        engine,
        _gpt("g-Starters0", "One", "1M+", prompt_starters=["Do some writing"]),
        _gpt("g-Describe0", "Two", "1M+", description="For your writing."),
        _gpt("g-Category0", "Three", "1M+", categories=["writing"]),
        _gpt("g-AuthorsN0", "Four", "1M+", author={"user_id": "u", "display_name": "Writing Inc"}),
        _gpt("g-InTheName", "My Writing", "1M+"),
        _gpt("g-BeginsSo0", "Writing Coach", "1M+"),
        _gpt("g-ExactName", "WRITING!", "1"),
        _gpt("g-Unrelated", "Rewriting", "1M+"),
    )
    assert _found(engine, "writing") == [
        "ExactName",
        "BeginsSo0",
        "InTheName",
        "AuthorsN0",
        "Category0",
        "Describe0",
        "Starters0",
    ]


def test_within_a_tier_the_magnitude_of_conversations_decides_then_the_id(engine: Engine) -> None:
    _put(
        engine,
        _gpt("g-Bbbb00001", "Poem a", "1000"),
        _gpt("g-Aaaa00001", "Poem b", "1001"),
        _gpt("g-Aaaa00000", "Poem c", "1002"),
        _gpt("g-Zzzz00000", "Poem d", "5000"),
        _gpt("g-000000000", "Poem e", None),
        _gpt("g-111111111", "Poem f", ""),
    )
    assert _found(engine, "poem") == [
        "Zzzz00000",
        "Aaaa00000",
        "Aaaa00001",
        "Bbbb00001",
        "000000000",
        "111111111",
    ]


def test_a_worst_term_decides_where_terms_stand_apart(engine: Engine) -> None:
    _put(
        engine,
        _gpt("g-Apart0000", "Tax", "1M+", description="advisor"),
        _gpt("g-Together0", "Your advisor for tax", "1"),
    )
    assert _found(engine, "tax advisor") == ["Together0", "Apart0000"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('"image generator"', {"image generator pro"}),
        ('"generator pro"', {"image generator pro"}),
        ('"image gen"', set()),
        ('"image gen"*', {"image generator pro"}),
        ("image generator", {"image generator pro", "generator of an image"}),
        ("ima gen", set()),
        ("ima* gen", {"image generator pro", "generator of an image", "imagine genes"}),
        ("image -pro", {"generator of an image"}),
        ('image -"of an"', {"image generator pro"}),
        ("gen* -gene*", set()),
        ("écolé", {"Ecole d'été"}),
        ("ecole d'et", {"Ecole d'été"}),
        ("ёлка", {"Елка"}),
        ("елк", {"Елка"}),
        ("写作", {"小说写作助手", "ＡＩ写作"}),
        ("写作助手", {"小说写作助手"}),
        ("写助", set()),
        ("作", {"小说写作助手", "ＡＩ写作"}),
        ("ai", {"ＡＩ写作"}),
        ('"ai写"', {"ＡＩ写作"}),
        ("ライタ", {"ﾗｲﾀｰ"}),
    ],
)
def test_a_text_finds_what_the_rule_says(engine: Engine, text: str, names: set[str]) -> None:
    known = [
        "image generator pro",
        "generator of an image",
        "imagine genes",
        "Ecole d'été",
        "Елка",
        "小说写作助手",
        "ＡＩ写作",
        "ﾗｲﾀｰ",
    ]
    _put(engine, *(_gpt(f"g-Number{n:03}", name) for n, name in enumerate(known)))
    with read(engine) as conn:
        page = search(conn, Filter(text=text))
        counted = count(conn, Filter(text=text))
    assert {each.name for each in page.items} == names
    assert (counted.number, counted.exact) == (len(names), True)


def test_every_sort_puts_what_is_not_known_last(engine: Engine) -> None:
    late, early = "2025-01-01T00:00:00Z", "2024-01-01T00:00:00Z"
    _put(
        engine,
        _gpt("g-Nothing00", None, None, updated_at=None, created_at=None),
        _gpt(
            "g-Least0000",
            "beta",
            None,
            updated_at=early,
            created_at=early,
            vanity_metrics={
                "num_conversations_str": "0",
                "review_stats": {"count": 1, "total": 5},
            },
        ),
        _gpt(
            "g-Most00000",
            "Alpha",
            None,
            updated_at=late,
            created_at=late,
            vanity_metrics={
                "num_conversations_str": "1",
                "review_stats": {"count": 500, "total": 2400},
            },
        ),
    )
    changed = _gpt("g-Most00000", "Alpha", None, updated_at=late, created_at=late, tags=["new"])
    _put(engine, changed, at=day(2))
    for sort in SORTS:
        assert _found(engine, sort=sort)[0] == "Most00000", sort
        assert _found(engine, sort=sort)[-1] == "Nothing00" or sort == "changed", sort
    assert _found(engine, sort="changed") == ["Most00000", "Least0000", "Nothing00"]


def test_what_is_found_says_what_a_list_shows(engine: Engine) -> None:
    _put(
        engine,
        document(
            voice={"id": "ember"},
            created_at="2024-01-01T00:00:00Z",
            vanity_metrics={
                "num_conversations_str": "25K+",
                "review_stats": {"count": 4, "total": 18},
            },
        ),
    )
    with read(engine) as conn:
        (found,) = search(conn, Filter()).items
        (then,) = search(conn, Filter(), at=day(2)).items
    assert found.name == "A name"
    assert (found.author, found.user_id) == ("An Author", "user-one")
    assert (found.categories, found.tools, found.tags) == (("other",), ("browser",), ("public",))
    assert (found.status, found.voice) == ("listed", "ember")
    assert (found.conversations, found.conversations_text) == (25_000, "25K+")
    assert (found.reviews, found.average) == (4, 4.5)
    assert found.rating is not None
    assert found.rating < 4.5
    assert (found.first_seen_at, found.last_seen_at) == (day(1), day(1))
    for name in found.__struct_fields__:
        if name not in ("updated_at", "last_seen_at", "confirmed_at"):
            assert getattr(then, name) == getattr(found, name), name


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("wanted", [Filter(), Filter(text="a"), Filter(categories=("other",))])
def test_pages_join_while_rows_come_and_go(engine: Engine, sort: Sort, wanted: Filter) -> None:
    """No row comes twice, and none is lost of those that stood all the while."""
    maker = searching.Maker(5)
    stood = [maker.document(name="a", categories=["other"]) for _ in range(14)]
    _put(engine, *stood)
    seen: list[str] = []
    after = None
    while True:
        with read(engine) as conn:
            page = search(conn, wanted, sort=sort, limit=5, after=after)
        seen += searching.ids(page.items)
        after = page.after
        if after is None:
            break
        _put(engine, *(maker.document(name="a", categories=["other"]) for _ in range(2)))
    assert len(seen) == len(set(seen))
    assert {each["gizmo"]["id"] for each in stood} <= set(seen)


def test_iteration_gives_what_the_pages_give(engine: Engine) -> None:
    searching.fill(engine, 7, 120)
    with read(engine) as conn:
        for sort in SORTS:
            page = search(conn, Filter(text="a*"), sort=sort, limit=200)
            assert list(iterate(conn, Filter(text="a*"), sort=sort)) == list(page.items)


def test_search_as_of_a_moment_finds_what_was_said_then(engine: Engine) -> None:
    _put(engine, _gpt("g-Changes00", "Old words"), at=day(1))
    _put(engine, _gpt("g-Changes00", "New words"), _gpt("g-Comes0000", "New words"), at=day(5))
    with read(engine) as conn:
        assert searching.ids(search(conn, Filter(text="old"), at=day(2)).items) == ["g-Changes00"]
        assert search(conn, Filter(text="old")).items == ()
        assert search(conn, Filter(text="new"), at=day(2)).items == ()
        assert count(conn, Filter(), at=day(2)).number == 1
        assert count(conn, Filter(), at=day(5)).number == 2


def test_search_as_of_now_is_search(engine: Engine) -> None:
    """Two ways to the same rows: through the index, and by looking at every GPT."""
    searching.fill(engine, 11, 150)
    wanted = Filter(text="writing", min_conversations=1)
    with read(engine) as conn:
        for sort in set(SORTS) - {"updated"}:
            now = search(conn, wanted, sort=sort, limit=5)
            then = search(conn, wanted, sort=sort, limit=5, at=day(28))
            assert searching.ids(now.items) == searching.ids(then.items), sort
            if now.after is None or then.after is None:
                continue
            now = search(conn, wanted, sort=sort, limit=5, after=now.after)
            then = search(conn, wanted, sort=sort, limit=5, after=then.after, at=day(28))
            assert searching.ids(now.items) == searching.ids(then.items), sort


def test_iteration_over_the_past_goes_on_where_a_pass_ended(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    searching.fill(engine, 7, 40)
    wanted = Filter(text="a*")
    with read(engine) as conn:
        for sort in ("name", "relevance"):
            whole = list(iterate(conn, wanted, sort=sort, at=day(28)))
            with monkeypatch.context() as patched:
                patched.setattr("catalog.query.search.PART", 3)
                patched.setattr("catalog.query.asof.PASS", 4)
                assert list(iterate(conn, wanted, sort=sort, at=day(28))) == whole
            assert len(whole) > 3 + 4


def test_an_author_is_found_by_name_and_by_id(engine: Engine) -> None:
    someone = {"user_id": "user-77", "display_name": "Ann Écrivain"}
    _put(engine, _gpt("g-Hers00000", "x", author=someone), _gpt("g-Others000", "x"))
    assert _found(engine, authors=("user-77",)) == ["Hers00000"]
    assert _found(engine, authors=("ann écrivain",)) == ["Hers00000"]
    assert _found(engine, authors=("nobody", "user-77")) == ["Hers00000"]
    assert _found(engine, authors=("nobody",)) == []


def test_what_cannot_be_answered_is_explained(engine: Engine) -> None:
    _put(engine, *(_gpt(f"g-Number{n:03}", "name") for n in range(3)))
    with read(engine) as conn:
        with pytest.raises(InvalidQuery, match="quote"):
            search(conn, Filter(text='"open'))
        with pytest.raises(InvalidFilter, match="status"):
            search(conn, Filter(statuses=("vanished",)))
        with pytest.raises(InvalidFilter, match="did you mean 'rating'"):
            iterate(conn, Filter(), sort="ratings")  # type: ignore[arg-type]
        with pytest.raises(UsageError, match="at least one"):
            search(conn, Filter(), limit=0)
        with pytest.raises(UsageError, match="up to 10,000, and for the pages after it"):
            search(conn, Filter(), limit=10_001)
        with pytest.raises(InvalidCursor, match="damaged"):
            search(conn, Filter(), after="nonsense")
        cursor = search(conn, Filter(), limit=1).after
        with pytest.raises(InvalidCursor, match="another question"):
            search(conn, Filter(text="name"), sort="conversations", after=cursor)


def test_a_filter_of_as_many_values_as_may_be_is_answered(engine: Engine) -> None:
    _put(engine, _gpt("g-Number001", "name"))
    names = tuple(f"user-{number}" for number in range(MOST_VALUES - 1))
    assert _found(engine, authors=(*names, "user-one")) == ["Number001"]
    assert _found(engine, authors=(*names, "user-two")) == []


def test_a_category_as_long_as_its_rank_finds_no_longer_one(engine: Engine) -> None:
    """Ranks hold the beginnings of categories: they tell only shorter ones apart."""
    begin = "x" * KEY_LENGTH
    for number, category in enumerate((begin[:-1], begin, f"{begin}y")):
        _put(engine, _gpt(f"g-Number{number:03}", "name", categories=[category]))
    for number, category in enumerate((begin[:-1], begin, f"{begin}y")):
        assert _found(engine, categories=(category,)) == [f"Number{number:03}"]


# Recall and precision.

SPOKEN = {
    "zh": ("小说写作助手", "帮你写小说、论文和AI诗歌"),
    "ja": ("画像生成ライター", "かわいい画像をすぐに作る"),
    "ko": ("글쓰기 도우미", "당신의 글을 다듬어 드립니다"),
    "th": ("ผู้ช่วยเขียน", "ช่วยเขียนบทความภาษาไทย"),
    "ar": ("مُساعد الكتابة", "يكتب لك المقالات والقصص"),
    "ru": ("Помощник поэта", "Пишет стихи и ёлочные песни"),
    "en": ("Café Writer's AI-Aid", "Writes naïve prose, in 2 or 3 steps"),
}
LONGEST = 6


def _drawn() -> list[str]:
    """Everything of one to six characters that stands in those texts, each once."""
    texts = [text for pair in SPOKEN.values() for text in pair]
    return sorted(
        {
            text[start : start + length]
            for text in texts
            for length in range(1, LONGEST + 1)
            for start in range(len(text) - length + 1)
        }
    )


@pytest.fixture(scope="module")
def speakers(
    sqlite_template: Path, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Connection]]:
    """GPTs of seven languages, named, described and by the same words, on both engines."""
    path = tmp_path_factory.mktemp("speakers") / "catalog.db"
    shutil.copyfile(sqlite_template, path)
    name = postgres.lend()
    documents = [
        made
        for n, (title, about) in enumerate(SPOKEN.values())
        for made in (
            _gpt(f"g-Named{n:04}", title, "96"),
            _gpt(f"g-About{n:04}", "x", "1K+", description=about),
            _gpt(f"g-Both0{n:04}", f"{about} {title}", None),
        )
    ]
    engines = [open_engine(f"sqlite:///{path}"), open_engine(postgres.url(name))]
    for engine in engines:
        _put(engine, *documents)
    with read(engines[0]) as first, read(engines[1]) as second:
        yield [first, second]
    for engine in engines:
        engine.dispose()
    postgres.take_back(name)


def test_every_text_drawn_from_the_texts_finds_exactly_what_has_it(
    speakers: list[Connection],
) -> None:
    """Recall and precision are 100 % in Chinese, Japanese, Korean, Thai, Arabic, Russian."""
    listings = searching.listings_of(speakers[0])
    asked = 0
    for text in _drawn():
        try:
            right = searching.expected(listings, Filter(text=text), "relevance")
        except InvalidQuery:
            continue
        asked += 1
        for conn in speakers:
            found = search(conn, Filter(text=text), limit=100).items
            assert searching.ids(found) == right, (conn.dialect.name, text)
    assert asked > 900
