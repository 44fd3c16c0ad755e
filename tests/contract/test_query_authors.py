"""Authors: found, in pages, in four orders, and one with all its GPTs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from catalog.errors import InvalidCursor, NotFound, UsageError
from catalog.query.authors import AUTHOR_SORTS, author, authors
from catalog.storage.engine import read
from tests.contract.telling import changed, day, document, said, tell

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from catalog.query.authors import AuthorSort

# user_id, name, GPTs, conversations of each, day of the first.
PEOPLE: list[tuple[str, str | None, int, str, int]] = [
    ("user-a", "Émile Zola", 3, "10", 4),
    ("user-b", "emile berliner", 1, "25K+", 3),
    ("user-c", "王小明", 2, "1K+", 2),
    ("user-d", None, 1, "", 1),
    ("user-e", "100% Zola_Fan", 1, "5", 5),
]


@pytest.fixture
def peopled(engine: Engine) -> Engine:
    """The GPTs of :data:`PEOPLE`."""
    said_all = []
    for letter, (user_id, name, gpts, conversations, first) in zip("abcde", PEOPLE, strict=True):
        for number in range(gpts):
            metrics: dict[str, Any] = {"num_conversations_str": conversations}
            if letter == "a":
                metrics["review_stats"] = {"total": 9, "count": 2}
            made = document(
                f"g-{letter}0000000{number}",
                f"GPT {letter}{number}",
                author={
                    "user_id": user_id,
                    "display_name": name,
                    "link_to": f"https://{letter}.example",
                    "display_socials": [
                        {"id": "s1", "type": "github", "display_name": f"gh-{letter}"}
                    ],
                },
                vanity_metrics=metrics,
            )
            said_all.append(said(day(first) + number, made))
    tell(engine, *said_all)
    return engine


def _ids(engine: Engine, text: str | None = None, sort: AuthorSort = "gpts") -> list[str]:
    with read(engine) as conn:
        return [each.user_id[-1] for each in authors(conn, text, sort=sort).items]


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("gpts", "acbde"),
        ("conversations", "bcaed"),
        ("name", "ebacd"),
        ("first_seen", "eabcd"),
    ],
)
def test_authors_are_sorted(peopled: Engine, sort: AuthorSort, order: str) -> None:
    assert "".join(_ids(peopled, sort=sort)) == order


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (None, "acbde"),
        ("  ", "acbde"),
        ("zola", "ae"),
        ("ZOLA émile", "a"),
        ("小明", "c"),
        ("100%", "e"),
        ("zola_", "e"),
        ("user-d", "d"),
        ("user-", ""),
        ("nobody", ""),
    ],
)
def test_authors_are_found_by_the_words_of_their_names(
    peopled: Engine, text: str | None, found: str
) -> None:
    assert "".join(_ids(peopled, text)) == found


@pytest.mark.parametrize("sort", AUTHOR_SORTS)
def test_authors_come_page_by_page_each_once(peopled: Engine, sort: AuthorSort) -> None:
    seen: list[str] = []
    after = None
    with read(peopled) as conn:
        while True:
            page = authors(conn, sort=sort, limit=2, after=after)
            seen += [each.user_id[-1] for each in page.items]
            if page.after is None:
                break
            after = page.after
    assert seen == _ids(peopled, sort=sort)


def test_cursor_of_another_question_is_refused(peopled: Engine) -> None:
    with read(peopled) as conn:
        page = authors(conn, limit=1)
        with pytest.raises(InvalidCursor, match="another"):
            authors(conn, "zola", after=page.after)
        with pytest.raises(InvalidCursor, match="another"):
            authors(conn, sort="first_seen", after=page.after)
        with pytest.raises(InvalidCursor, match="another"):
            authors(conn, sort="name", after=page.after)
        of_text = authors(conn, "zola", limit=1)
        with pytest.raises(InvalidCursor, match="another"):
            # An id is compared as it is: so its case is part of the question.
            authors(conn, "ZOLA", after=of_text.after)
        with pytest.raises(InvalidCursor, match="damaged"):
            authors(conn, after="é")


@pytest.mark.parametrize("limit", [0, -1, 10_001])
def test_page_of_no_authors_or_of_too_many_is_refused(engine: Engine, limit: int) -> None:
    with read(engine) as conn, pytest.raises(UsageError, match=r"a page of .* ask for"):
        authors(conn, limit=limit)


def test_author_is_told_in_numbers(peopled: Engine) -> None:
    with read(peopled) as conn:
        found = authors(conn, "émile zola").items[0]
    assert (found.display_name, found.link_to) == ("Émile Zola", "https://a.example")
    assert (found.gpts, found.conversations, found.first_seen_at) == (3, 30, day(4))
    assert (found.reviews, found.stars) == (6, 27)
    assert found.rating is not None
    assert 1 < found.rating < 4.5


def test_author_is_told_with_all_its_gpts(peopled: Engine) -> None:
    tell(
        peopled,
        said(day(6), changed(document("g-c00000001", author={"user_id": "user-c"}), name="New")),
        said(day(7), None, gizmo_id="g-c00000000"),
    )
    with read(peopled) as conn:
        found = author(conn, " user-c ")
    assert found.author.display_name == "王小明"
    assert [(each.gizmo_id, each.name, each.status) for each in found.works] == [
        ("g-c00000000", "GPT c0", "missing"),
        ("g-c00000001", "New", "listed"),
    ]
    assert found.statuses == {"missing": 1, "listed": 1}
    assert [each["display_name"] for each in found.socials] == ["gh-c"]


def test_author_is_named_by_the_name_where_only_one_has_it(peopled: Engine) -> None:
    with read(peopled) as conn:
        assert author(conn, "émile ZOLA").author.user_id == "user-a"
    twin = document("g-Twin00000", author={"user_id": "user-z", "display_name": "Émile Zola"})
    tell(peopled, said(day(8), twin))
    with read(peopled) as conn, pytest.raises(UsageError, match="user-a, user-z"):
        author(conn, "émile zola")


def test_those_of_one_name_are_told_with_the_one_of_most_gpts_first(peopled: Engine) -> None:
    zola = {"user_id": "user-z", "display_name": "Émile Zola"}
    twins = [document(f"g-Twin0000{number}", author=zola) for number in range(5)]
    tell(peopled, *(said(day(8), twin) for twin in twins))
    with read(peopled) as conn, pytest.raises(UsageError, match=r"user-z, user-a$"):
        author(conn, "émile zola")


def test_author_that_nobody_names_is_not_found(peopled: Engine) -> None:
    with read(peopled) as conn, pytest.raises(NotFound, match="gpts-catalog authors"):
        author(conn, "Nobody")
