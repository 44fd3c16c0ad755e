"""What somebody has not been shown yet: late news of old times, late commits, and nothing twice."""

from __future__ import annotations

import itertools
import random
from typing import TYPE_CHECKING

import msgspec
import pytest
from sqlalchemy import insert, update

from catalog.errors import CatalogBusy, UsageError
from catalog.query import changes, news
from catalog.query.changes import Wanted
from catalog.query.marks import mark_small
from catalog.storage import tables as t
from catalog.storage.bookmarks import Mark, get_bookmark, set_bookmark
from catalog.storage.engine import read, write
from catalog.storage.observe import observe
from catalog.storage.stage1 import set_verdicts
from catalog.storage.stage2 import settle
from catalog.times import HOUR
from tests.contract.telling import DERIVER, ID, changed, day, document, said, tell

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from catalog.records import Observation
    from catalog.times import Micros

OTHER = "g-Other0000"
NAME = "gizmo.display.name"

Shown = tuple[str, str, object, object, int]


def look(engine: Engine, name: str = "me", wanted: Wanted | None = None) -> list[Shown]:
    """What is news, and the bookmark moved behind it."""
    with read(engine) as conn:
        found, mark = changes.since_bookmark(conn, name, wanted or Wanted())
        shown = [
            (each.gizmo_id, each.field, each.old, each.new, each.observed_at) for each in found
        ]
    with write(engine) as conn:
        set_bookmark(conn, name, mark)
    return shown


def named(at: Micros, name: str, **more: object) -> Observation:
    """A document of that name."""
    return said(at, document(name=name), **more)  # type: ignore[arg-type]


def renamed(old: str, new: str, at: Micros) -> Shown:
    return (ID, NAME, old, new, at)


ARRIVED = (ID, "status", None, "listed", day(10))


def test_bookmark_that_was_never_set_has_everything_before_it(engine: Engine) -> None:
    tell(engine, named(day(10), "A"), named(day(11), "B"))
    assert look(engine) == [ARRIVED, renamed("A", "B", day(11))]
    assert look(engine) == []


def test_bookmark_of_an_empty_catalog_sees_what_comes_first(engine: Engine) -> None:
    assert look(engine) == []
    tell(engine, named(day(10), "A"))
    assert look(engine) == [ARRIVED]
    assert look(engine) == []


def test_bookmark_shows_what_came_since(engine: Engine) -> None:
    tell(engine, named(day(10), "A"))
    look(engine)
    tell(engine, named(day(11), "B"), said(day(11), document(OTHER)))
    assert look(engine) == [
        renamed("A", "B", day(11)),
        (OTHER, "status", None, "listed", day(11)),
    ]
    assert look(engine) == []


def test_bookmarks_stand_apart(engine: Engine) -> None:
    tell(engine, named(day(10), "A"))
    look(engine, "one")
    tell(engine, named(day(11), "B"))
    assert look(engine, "one") == [renamed("A", "B", day(11))]
    assert look(engine, "two") == [ARRIVED, renamed("A", "B", day(11))]


def test_bookmark_that_is_not_moved_shows_the_same_again(engine: Engine) -> None:
    tell(engine, named(day(10), "A"))
    with read(engine) as conn:
        found, _ = changes.since_bookmark(conn, "me", Wanted())
        assert len(list(found)) == 1
    assert look(engine) == [ARRIVED]


def test_bookmark_narrowed_to_a_field_counts_the_others_as_seen(engine: Engine) -> None:
    tell(engine, named(day(10), "A"))
    look(engine)
    tell(engine, named(day(11), "B"))
    assert look(engine, wanted=Wanted(field="tools")) == []
    assert look(engine) == []


def test_bookmark_hides_what_is_hidden_elsewhere(engine: Engine) -> None:
    tell(engine, named(day(10), "A"))
    look(engine)
    types = document(name="A")
    types["product_features"]["attachments"]["accepted_mime_types"] = ["c/d"]
    tell(engine, said(day(11), types))
    assert look(engine) == []


def test_late_news_of_old_times_is_shown(engine: Engine) -> None:
    """A dump of last year comes today: what it tells happened then, and is news now."""
    tell(engine, named(day(10), "A"), named(day(20), "C"))
    look(engine)
    tell(engine, named(day(15), "B", recorded_at=day(21)))
    assert look(engine) == [renamed("A", "B", day(15)), renamed("B", "C", day(20))]
    assert look(engine) == []


def test_late_news_of_before_a_not_found_is_shown(engine: Engine) -> None:
    tell(engine, named(day(10), "A"), said(day(12), None), named(day(20), "C"))
    look(engine)
    tell(engine, named(day(11), "B", recorded_at=day(21)))
    assert look(engine) == [renamed("A", "B", day(11)), renamed("B", "C", day(20))]
    assert look(engine) == []


def test_late_news_recorded_elsewhere_long_ago_is_shown(engine: Engine) -> None:
    """A merge keeps when the other catalog recorded it."""
    tell(engine, named(day(10), "A"), named(day(20), "C"))
    look(engine)
    tell(engine, named(day(15), "B", recorded_at=day(1)))
    assert look(engine) == [renamed("A", "B", day(15)), renamed("B", "C", day(20))]
    assert look(engine) == []


@pytest.mark.parametrize("name", ["A", "C"])
def test_change_whose_time_is_known_better_is_not_shown_twice(engine: Engine, name: str) -> None:
    tell(engine, named(day(10), "A"), named(day(20), "C"))
    assert renamed("A", "C", day(20)) in look(engine)
    tell(engine, named(day(15), name, recorded_at=day(21)))
    assert look(engine) == []


def test_change_that_was_shown_stays_shown_whatever_lies_before_it(engine: Engine) -> None:
    """A, B and C were known; X and B again come late, between B and C."""
    tell(engine, named(day(10), "A"), named(day(12), "B"), named(day(20), "C"))
    look(engine)
    tell(
        engine,
        named(day(13), "X", recorded_at=day(21)),
        named(day(14), "B", recorded_at=day(21)),
    )
    assert look(engine) == [renamed("B", "X", day(13)), renamed("X", "B", day(14))]
    assert look(engine) == []


def test_change_that_happened_twice_is_shown_for_the_new_time(engine: Engine) -> None:
    tell(engine, named(day(10), "A"), named(day(20), "C"))
    look(engine)
    tell(
        engine,
        named(day(13), "C", recorded_at=day(21)),
        named(day(14), "A", recorded_at=day(21)),
    )
    assert look(engine) == [renamed("A", "C", day(13)), renamed("C", "A", day(14))]
    assert look(engine) == []


def test_earlier_first_document_is_no_second_arrival_but_tells_its_changes(engine: Engine) -> None:
    tell(engine, named(day(10), "A"))
    look(engine)
    tell(engine, named(day(5), "Z", recorded_at=day(11)))
    assert look(engine) == [renamed("Z", "A", day(10))]
    assert look(engine) == []


def test_repeated_statement_by_another_source_is_no_news(engine: Engine) -> None:
    tell(engine, named(day(10), "A"), named(day(11), "B"))
    look(engine)
    tell(engine, named(day(10), "A", source="two"), named(day(11), "B", source="two"))
    assert look(engine) == []


def test_change_inside_the_last_numbers_that_was_not_seen_is_shown(engine: Engine) -> None:
    """A transaction that was given its numbers before the mark, and was committed after it."""
    tell(engine, named(day(10), "A"), named(day(11), "B"), said(day(12), document(OTHER)))
    with read(engine) as conn:
        mark = news.mark_now(conn)
        (missed,) = changes.page(conn, Wanted(gizmo_id=ID, field=NAME))
    row = {"gizmo_id": ID, "observed_at": day(11), "field": NAME, "element": ""}
    unseen = news.digest_of(row | {"old": '"A"', "new": '"B"'})
    assert unseen in mark.digests
    late = Mark(
        recorded_at=mark.recorded_at,
        observation_id=mark.observation_id,
        digests=mark.digests - {unseen},
    )
    with write(engine) as conn:
        set_bookmark(conn, "me", late)
    assert look(engine) == [renamed("A", "B", missed.observed_at)]
    assert look(engine) == []


def test_transaction_that_is_committed_late_is_shown(engine: Engine) -> None:
    tell(engine, named(day(10), "A"), said(day(10), document("g-Third0000"), source="two"))
    look(engine)
    # Nothing in common, for which one would wait for the other.
    author = {"user_id": "another", "display_name": "Another"}
    apart = changed(document(OTHER, author=author), categories=["writing"])
    with write(engine) as slow:
        observe(slow, DERIVER, [named(day(11), "B")])
        if engine.dialect.name == "sqlite":
            # There is one writer at a time: numbers are committed in their order.
            with pytest.raises(CatalogBusy), write(engine):
                pass
        else:
            with write(engine) as fast:
                observe(fast, DERIVER, [said(day(12), apart, source="two")])
            assert [each[0] for each in look(engine)] == [OTHER]
    assert look(engine) == [renamed("A", "B", day(11))]
    assert look(engine) == []


def test_mark_notes_the_changes_of_the_last_numbers_alone(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(news, "AGAIN", 2)
    tell(engine, *(named(day(10 + n), f"N{n}") for n in range(5)))
    with read(engine) as conn:
        mark = news.mark_now(conn)
    # Those that the last two observations say, and none that an older one does.
    assert len(mark.digests) == 2
    with write(engine) as conn:
        set_bookmark(conn, "me", mark)
    assert look(engine) == []


def test_not_found_that_is_judged_after_the_mark_is_shown(engine: Engine) -> None:
    """A run's not-founds count when it closes, which may be hours after they were recorded."""
    tell(engine, named(day(10), "A"))
    run = {"run_id": "r1", "command": "harvest", "source": "one", "ids_digest": ""}
    with write(engine) as conn:
        conn.execute(insert(t.runs), [run | {"started_at": day(11), "status": "open"}])
    absent = said(day(11), None)
    tell(engine, *_of_run(absent))
    look(engine)
    tell(engine, said(day(11) + HOUR, document(OTHER)))
    assert [each[0] for each in look(engine)] == [OTHER]
    with write(engine) as conn:
        o = t.observations.c
        (number,) = conn.execute(
            t.observations.select().with_only_columns(o.observation_id).where(o.run_id == "r1")
        ).scalars()
        set_verdicts(conn, DERIVER, {number: "counted"})
        conn.execute(
            update(t.runs).where(t.runs.c.run_id == "r1").values(finished_at=day(12), status="x")
        )
        settle(conn, DERIVER)
    assert look(engine) == [(ID, "status", "listed", "missing", day(11))]
    assert look(engine) == []


def test_not_found_that_a_merge_judges_after_the_mark_is_shown(engine: Engine) -> None:
    """Held here, counted elsewhere: what counted once counts, and the run closed long ago."""
    tell(engine, named(day(10), "A"))
    held = msgspec.structs.replace(said(day(11), None), verdict="held")
    tell(engine, held)
    look(engine)
    tell(engine, msgspec.structs.replace(held, verdict="counted"))
    assert look(engine) == [(ID, "status", "listed", "missing", day(11))]
    assert look(engine) == []


def test_not_found_that_is_judged_between_known_documents_is_shown(engine: Engine) -> None:
    held = msgspec.structs.replace(said(day(11), None), verdict="held")
    tell(engine, named(day(10), "A"), held, named(day(12), "A"))
    look(engine)
    tell(engine, msgspec.structs.replace(held, verdict="counted"))
    assert look(engine) == [
        (ID, "status", "listed", "missing", day(11)),
        (ID, "status", "missing", "listed", day(12)),
    ]
    assert look(engine) == []


def test_verdict_inside_the_last_numbers_that_was_not_seen_is_shown(engine: Engine) -> None:
    """It was given its number before the mark, and committed after it."""
    held = msgspec.structs.replace(said(day(11), None), verdict="held")
    tell(engine, named(day(10), "A"), held)
    tell(engine, msgspec.structs.replace(held, verdict="counted"))
    with read(engine) as conn:
        mark = news.mark_now(conn)
    row = {"gizmo_id": ID, "observed_at": day(11), "field": "status", "element": ""}
    unseen = news.digest_of(row | {"old": '"listed"', "new": '"missing"'})
    assert unseen in mark.digests
    assert mark.judgement_id
    with write(engine) as conn:
        set_bookmark(conn, "me", msgspec.structs.replace(mark, digests=mark.digests - {unseen}))
    assert look(engine) == [(ID, "status", "listed", "missing", day(11))]
    assert look(engine) == []


def _of_run(absent: Observation) -> list[Observation]:
    return [msgspec.structs.replace(absent, run_id="r1", verdict="")]


Known = dict[int, str]
"""The names that a GPT was known to have, by day."""


def _steps(known: Known) -> list[tuple[int, str, str]]:
    days = sorted(known)
    return [
        (after, known[before], known[after])
        for before, after in itertools.pairwise(days)
        if known[before] != known[after]
    ]


def _news(then: Known, now: Known) -> list[tuple[int, str, str]]:
    """The steps that are known now and were not then, whatever their time was taken for."""
    found = []
    for step in _steps(now):
        before = max((day for day in then if day < step[0]), default=None)
        after = min((day for day in then if day >= step[0]), default=None)
        was_told = (
            before is not None
            and after is not None
            and (then[before], then[after]) == step[1:]
            # Taken twice where once was told of: the last one is that.
            and not any(step[0] < each[0] <= after and each[1:] == step[1:] for each in _steps(now))
        )
        if not was_told:
            found.append(step)
    return found


@pytest.mark.parametrize("seed", range(3))
def test_bookmark_shows_what_was_not_known_in_whatever_order_it_comes(
    engine: Engine, seed: int
) -> None:
    rng = random.Random(seed)
    days = rng.sample(range(1, 28), 12)
    then: Known = {}
    now: Known = {}
    while days:
        for number in [days.pop() for _ in range(min(len(days), rng.choice((1, 1, 2))))]:
            now[number] = f"N{rng.randrange(3)}"
            tell(engine, named(day(number), now[number], recorded_at=day(28)))
        shown = [(at, old, new) for _, field, old, new, at in look(engine) if field == NAME]
        assert shown == [(day(at), old, new) for at, old, new in _news(then, now)]
        then = dict(now)


def test_bookmark_of_no_name_is_refused(engine: Engine) -> None:
    with read(engine) as conn, pytest.raises(UsageError, match="names no bookmark"):
        changes.since_bookmark(conn, "not a name", Wanted())


def test_bookmark_comes_back_as_it_was_set(engine: Engine) -> None:
    mark = Mark(recorded_at=5, observation_id=7, judgement_id=3, digests=frozenset({"b", "a"}))
    with write(engine) as conn:
        assert get_bookmark(conn, "me") is None
        set_bookmark(conn, "me", mark)
        assert get_bookmark(conn, "me") == mark
        set_bookmark(conn, "me", Mark(recorded_at=6, observation_id=8))
        assert get_bookmark(conn, "me") == Mark(recorded_at=6, observation_id=8)


def test_changes_of_authors_names_are_news_as_others_are(engine: Engine) -> None:
    tell(engine, said(day(10), changed(document(), name="A")))
    look(engine)
    tell(engine, said(day(11), document(name="A", author={"user_id": "u", "display_name": "Z"})))
    assert {field for _, field, *_ in look(engine)} == {
        "gizmo.author.user_id",
        "gizmo.author.display_name",
    }


def test_mark_of_an_empty_catalog_stands_before_everything(engine: Engine) -> None:
    with read(engine) as conn:
        assert mark_small(conn) == Mark(recorded_at=0, observation_id=0)
