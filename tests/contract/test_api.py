"""The Python API: every method, references in every form, and nothing written unasked."""

from __future__ import annotations

import tracemalloc
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from sqlalchemy import text

from catalog import Catalog, Filter, Reader, Wanted
from catalog.errors import (
    CatalogMissing,
    InvalidFilter,
    InvalidReference,
    NotFound,
    SchemaMismatch,
    SettingsError,
    StorageError,
    UsageError,
)
from catalog.query.moments import moment
from catalog.simulator import Population, running_gateway
from catalog.storage.engine import write as writing
from catalog.times import FixedClock, to_datetime, to_iso
from tests.contract.telling import ID, NEVER, changed, day, document, said, tell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

OTHER = "g-Other0000"


@pytest.fixture
def told(engine: Engine, catalog_url: str) -> str:
    """A GPT that is renamed and moves its numbers, and another one in Chinese."""
    numbers = {"num_conversations_str": "1K+", "num_pins": 2}
    tell(
        engine,
        said(day(1), document(name="A fine name")),
        said(day(2), document(name="Another name", vanity_metrics=numbers)),
        said(day(3), changed(document(OTHER, "中文翻译"), categories=["writing"])),
    )
    return catalog_url


@pytest.fixture
def opened(told: str) -> Iterator[Catalog]:
    """That catalog, opened for reading."""
    with Catalog.open(told) as found:
        yield found


@pytest.fixture
def writable(told: str) -> Iterator[Catalog]:
    """That catalog, opened for writing."""
    with Catalog.open(told, read_only=False, environ={}, clock=FixedClock(day(20))) as found:
        yield found


def test_search_takes_a_filter_a_text_or_nothing(opened: Catalog) -> None:
    assert {each.gizmo_id for each in opened.search().items} == {ID, OTHER}
    assert [each.gizmo_id for each in opened.search("another").items] == [ID]
    assert [each.gizmo_id for each in opened.search("翻译").items] == [OTHER]
    wanted = Filter(categories=("writing",))
    assert [each.name for each in opened.search(wanted).items] == ["中文翻译"]
    assert opened.count(wanted).number == 1
    assert [each.gizmo_id for each in opened.iterate(wanted, sort="name")] == [OTHER]


def test_filter_takes_one_value_for_a_list_and_moments_of_every_form() -> None:
    given: tuple[tuple[str, Any], ...] = (
        ("categories", "writing"),
        ("authors", "ann"),
        ("years", 2024),
    )
    for field, value in given:
        forms: tuple[Any, ...] = (value, (value,), [value], {value})
        assert [getattr(Filter(**{field: form}), field) for form in forms] == [(value,)] * 4
    for since in ("2026-02-03", date(2026, 2, 3), datetime(2026, 2, 3, tzinfo=UTC)):
        assert Filter(created_since=since).created_since == moment("2026-02-03")  # type: ignore[arg-type]
    for until in ("2026-02-03", date(2026, 2, 3)):
        end_of_day = moment("2026-02-04") - 1
        assert Filter(seen_until=until).seen_until == end_of_day  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("categories", 5),
        ("categories", ("writing", 5)),
        ("years", "2024"),
        ("years", (True,)),
        ("tools", {"dalle": 1}),
        ("created_since", "soon"),
        ("created_until", datetime(2026, 2, 3)),  # noqa: DTZ001  (that is what is wrong)
        ("seen_since", 1.5),
    ],
)
def test_filter_refuses_values_of_another_kind(field: str, value: Any) -> None:
    with pytest.raises(InvalidFilter, match=field):
        Filter(**{field: value})


def test_closed_catalog_says_so(told: str) -> None:
    found = Catalog.open(told)
    found.close()
    found.close()
    for ask in (
        found.stats,
        found.search,
        lambda: list(found.iterate()),
        lambda: found.sql("SELECT 1"),
    ):
        with pytest.raises(UsageError, match="closed"):
            ask()


def test_search_goes_on_where_a_page_ended(opened: Catalog) -> None:
    first = opened.search(sort="name", limit=1)
    second = opened.search(sort="name", limit=1, after=first.after)
    assert [each.name for each in (*first.items, *second.items)] == ["Another name", "中文翻译"]
    assert second.after is None


def test_facets_count_within_a_filter(opened: Catalog) -> None:
    found = opened.facets(names=["category"])
    assert {each.value: each.count for each in found.values["category"]} == {
        "other": 1,
        "writing": 1,
    }


@pytest.mark.parametrize(
    "ref",
    [
        ID,
        f" {ID},",
        f"{ID}-some-slug",
        f"https://chatgpt.com/g/{ID}-some-slug?model=x",
        f"chat.openai.com/g/{ID}",
        f"gpt-4-gizmo-{ID}",
    ],
)
def test_gpt_is_named_by_any_reference(opened: Catalog, ref: str) -> None:
    assert opened.get(ref).gizmo_id == ID
    assert opened.history(ref).gizmo_id == ID
    assert opened.metrics(ref).gizmo_id == ID
    assert opened.original(ref).gizmo_id == ID
    assert {each.gizmo_id for each in opened.changes(ref)} == {ID}
    assert opened.at(day(2)).get(ref).gizmo_id == ID


def test_text_that_names_no_gpt_is_refused(opened: Catalog) -> None:
    for ask in (opened.get, opened.history, opened.metrics, opened.original, opened.changes):
        with pytest.raises(InvalidReference):
            ask("no reference")
    with pytest.raises(NotFound):
        opened.get(NEVER)


def test_gpt_is_told_as_of_a_moment_and_as_known_at_one(opened: Catalog) -> None:
    assert opened.get(ID).name == "Another name"
    assert opened.get(ID, at=day(1)).name == "A fine name"
    assert opened.get(ID, known_at=day(1)).name == "A fine name"
    assert len(opened.history(ID).revisions) == 2
    assert len(opened.history(ID, until="2026-02-01").revisions) == 1
    assert len(opened.history(ID, known_at=day(1)).revisions) == 1
    assert len(opened.metrics(ID).points) == 2
    assert len(opened.metrics(ID, until=day(1)).points) == 1
    assert b"A fine name" in opened.original(ID, at=day(1)).payload
    assert b"Another name" in opened.original(ID).payload
    assert b"A fine name" in opened.original(ID, known_at=day(1)).payload


def test_reader_of_a_newer_catalog_says_so(told: str, engine: Engine) -> None:
    with writing(engine) as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaMismatch, match="newer"):
        Reader.open(told)


def test_reader_without_rules_says_what_it_cannot(told: str) -> None:
    with Reader.open(told) as reader:
        assert reader.get(ID, at=day(1)).name == "A fine name"
        with pytest.raises(UsageError, match="without the rules"):
            reader.get(ID, known_at=day(1))
        with pytest.raises(UsageError, match="without the rules"):
            reader.original(ID)


@pytest.mark.parametrize(
    "when", [day(1), to_iso(day(1)), "2026-02-01", to_datetime(day(1))], ids=str
)
def test_past_is_asked_as_the_present_is(opened: Catalog, when: Any) -> None:
    past = opened.at(when)
    assert [each.name for each in past.search("fine").items] == ["A fine name"]
    assert past.search("another").items == ()
    assert [each.gizmo_id for each in past.iterate()] == [ID]
    assert past.count().number == 1
    assert past.facets(names=["category"]).count.number == 1
    assert past.get(ID).name == "A fine name"
    assert len(past.history(ID).revisions) == 1
    assert len(past.metrics(ID).points) == 1
    assert b"A fine name" in past.original(ID).payload
    with pytest.raises(NotFound):
        past.get(OTHER)


def test_changes_are_asked_by_keyword_or_in_pages(opened: Catalog) -> None:
    assert len(list(opened.changes())) == 3
    found = list(
        opened.changes(field="name", kind="changed", author="An Author", since="2026-02-02")
    )
    assert [(each.old, each.new) for each in found] == [("A fine name", "Another name")]
    assert list(opened.changes(category="writing", cls="content")) == []
    assert list(opened.changes(until="2026-01-31")) == []
    first = opened.changes_page(Wanted(), limit=2)
    second = opened.changes_page(Wanted(), limit=2, after=first.after)
    assert [*first.items, *second.items] == list(opened.changes())
    assert second.after is None
    with pytest.raises(UsageError, match="there is no field"):
        opened.changes(field="nonsens")


def test_what_changed_since_a_bookmark_is_shown_once(writable: Catalog) -> None:
    with writable.since_bookmark("me") as (found, mark):
        assert len(list(found)) == 3
    writable.set_bookmark("me", mark)
    with writable.since_bookmark("me", Wanted(everything=True)) as (found, _):
        assert list(found) == []


def test_bookmark_of_no_name_is_not_set(writable: Catalog) -> None:
    with writable.since_bookmark("me") as (_, mark):
        pass
    with pytest.raises(UsageError, match="'not a name' names no bookmark"):
        writable.set_bookmark("not a name", mark)


def test_numbers_authors_and_the_catalog_itself_are_told(opened: Catalog) -> None:
    mover = opened.movers("2026-02-02", "2026-02-03")[0]
    assert (mover.gizmo_id, mover.before, mover.after) == (ID, 90, 1000)
    assert [each.gizmo_id for each in opened.arrivals()] == [ID, OTHER]
    assert list(opened.departures("2026-02-01", "2026-02-28")) == []
    assert opened.mass_events([]) == {}
    page = opened.authors("author", sort="name")
    assert [(each.user_id, each.gpts) for each in page.items] == [("user-one", 2)]
    assert len(opened.author("user-one").works) == 2
    assert opened.stats().gpts == {"listed": 2}
    assert opened.status(day(4)).holdings == opened.stats()
    assert opened.overview(day(4)).holdings == opened.stats()
    assert opened.drift() == ()
    assert isinstance(opened.unmapped(), tuple)
    assert all(not check.findings for check in opened.verify())


def test_sql_reads(told: str, engine_name: str) -> None:
    with Catalog.open(told) as opened:
        query = "SELECT count(*) FROM gizmos WHERE status = :status"
        if engine_name == "postgres":
            # The tests' role owns the database: a login that could write is refused.
            with pytest.raises(SettingsError):
                opened.sql(query, parameters={"status": "listed"})
            return
        with opened.sql(query, parameters={"status": "listed"}) as result:
            assert list(result) == [(2,)]


def test_every_method_that_writes_needs_a_catalog_opened_for_it(
    opened: Catalog, tmp_path: Path
) -> None:
    with opened.since_bookmark("me") as (_, mark):
        pass
    for write in (
        lambda: opened.set_bookmark("me", mark),
        opened.rebuild,
        lambda: opened.merge(str(tmp_path / "x.db")),
        lambda: opened.import_files([tmp_path], "archive"),
        lambda: opened.harvest([ID]),
    ):
        with pytest.raises(UsageError, match="read_only=False"):
            write()


def test_catalog_that_is_opened_for_reading_cannot_be_written_by_any_means(
    opened: Catalog,
) -> None:
    with opened._engine.connect() as connection, pytest.raises(StorageError):  # noqa: SLF001
        connection.execute(text("DELETE FROM sources"))


def test_digest_names_the_state_and_rebuild_keeps_it(writable: Catalog, opened: Catalog) -> None:
    before = opened.digest()
    assert writable.digest() == before
    assert writable.rebuild().gpts == 2
    assert opened.digest() == before


def test_documents_come_from_files_and_from_other_catalogs(tmp_path: Path) -> None:
    file = tmp_path / "documents.jsonl"
    lines = [{"observed_at": to_iso(day(1)), "gpt": document()}]
    file.write_bytes(b"\n".join(msgspec.json.encode(line) for line in lines))
    clock = FixedClock(day(5))
    with Catalog.create(str(tmp_path / "one.db"), clock=clock, environ={}) as one:
        done = one.import_files([file], "archive")
        assert (done.documents, done.new) == (1, 1)
        assert one.import_files([str(file)], "archive").known == 1
        assert one.search().items[0].gizmo_id == ID
        with pytest.raises(UsageError, match="a name is made of"):
            one.import_files([file], "no name")
        digest = one.digest()
        made = one.rebuild_to(str(tmp_path / "three.db"), known_at=day(5))
        assert made.new == 1
        with pytest.raises(UsageError, match="a catalog already"):
            one.rebuild_to(str(tmp_path / "three.db"))
    with Catalog.create(str(tmp_path / "two.db"), clock=clock, environ={}) as two:
        assert two.merge(str(tmp_path / "one.db")).new == 1
        assert two.digest() == digest
    with Catalog.open(str(tmp_path / "three.db")) as three:
        assert three.digest() == digest
    assert not Catalog.upgrade(str(tmp_path / "two.db"), clock=clock).changed


def test_an_export_is_made_checked_and_taken_back_with_other_files(
    opened: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = opened.export(tmp_path / "all", form="ndjson", profile="full")
    assert made.release.catalog_digest == opened.digest(kept=True)
    assert Catalog.verify_export(tmp_path / "all").findings == ()
    some = opened.export(tmp_path / "some", form="csv", wanted="Another", tables=["gizmos"])
    assert some.release.rows() == {"gizmos": 1}
    # The key of pseudonyms is made once.
    again = opened.export(tmp_path / "again", form="csv", wanted="Another", tables=["gizmos"])
    assert again.digest == some.digest
    line = tmp_path / "one.jsonl"
    line.write_bytes(msgspec.json.encode(document("g-Third0000")))
    with Catalog.create(f"sqlite:///{tmp_path / 'other.db'}", environ={}) as other:
        done = other.import_files([tmp_path / "all"], "theirs")
        assert (done.files, [each.new for each in done.exports]) == (0, [3])
        assert other.digest() == opened.digest()
        done = other.import_files([line, tmp_path / "all"], "theirs", observed_at=day(5))
        assert (done.new, [each.new for each in done.exports]) == (1, [0])


def test_catalog_harvests_from_a_configured_source(tmp_path: Path) -> None:
    population = Population(5, 3)
    config = tmp_path / "catalog.toml"
    with running_gateway(population) as gateway:
        config.write_text(
            "[sources.sim]\n"
            'dialect = "gpts-v2"\n'
            f'base_url = "{gateway.url("plain")}"\n'
            'api_key_env = "SIM_KEY"\n'
            "requests_per_second = 1000\n"
        )
        environ = {"SIM_KEY": gateway.key, "GPTS_CATALOG_CLOCK": gateway.clock_url}
        url = str(tmp_path / "catalog.db")
        with Catalog.create(url, config=config, environ=environ) as found:
            ids = list(population.ids())[:3]
            totals = found.harvest([*ids, ids[0]]).totals
            assert (totals.requested, totals.documents) == (3, 3)
            assert found.count().number == 3
            assert found.harvest(due=True, limit=2).totals.requested == 0
            with pytest.raises(UsageError, match="one of the two"):
                found.harvest()
            with pytest.raises(SettingsError, match="those that can: sim"):
                found.harvest(ids, source="another")


def test_place_without_a_catalog_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogMissing, match="gpts-catalog init"):
        Catalog.open(str(tmp_path / "none.db"))
    with pytest.raises(UsageError, match="names no catalog"):
        Catalog.open("mysql://somewhere/else")
    with pytest.raises(UsageError, match="None names no catalog: a text is expected"):
        Catalog.open(None)  # type: ignore[arg-type]


def test_iteration_keeps_memory_flat(engine: Engine, catalog_url: str) -> None:
    """The most that is held does not grow with the number of GPTs."""

    def add(first: int, last: int) -> None:
        ids = [f"g-Flat{number:05d}" for number in range(first, last)]
        tell(engine, *(said(day(1), document(each, f"Name {each}")) for each in ids))

    def peak(count: int) -> int:
        with Catalog.open(catalog_url) as opened:
            assert sum(1 for _ in opened.iterate(sort="name")) == count
            tracemalloc.start()
            try:
                assert sum(1 for _ in opened.iterate(sort="name")) == count
                assert sum(1 for _ in opened.changes()) == count
                return tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()

    add(0, 1000)
    few = peak(1000)
    add(1000, 3000)
    assert peak(3000) < 1.3 * few


@pytest.mark.parametrize("value", ["soon", "2026-02-30", datetime(2026, 2, 1), None, True, 1.5])  # noqa: DTZ001
def test_value_that_is_no_moment_is_refused(value: Any) -> None:
    with pytest.raises(UsageError, match="moment"):
        moment(value)


def test_moment_is_a_number_a_text_or_an_aware_time() -> None:
    assert moment(5) == 5
    assert moment("2026-02-01T09:00:00Z") == day(1)
    assert moment("2026-02-01", end_of_day=True) - moment("2026-02-01") == 86_399_999_999
    assert moment(datetime(2026, 2, 1, 9, tzinfo=UTC)) == day(1)


def test_health_says_what_status_says(catalog_url: str) -> None:
    with Catalog.open(catalog_url, clock=FixedClock(day(1))) as opened:
        found = opened.health()
        assert (found.at, found.is_well, found.alarms) == (day(1), True, ())
        assert opened.health(now=to_iso(day(2))).at == day(2)
