"""SQL that people write ends in time, within its memory, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import errno
import gc
import itertools
import os
import re
import signal
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from sqlalchemy import text

from catalog.errors import (
    CatalogCorrupt,
    CatalogMissing,
    InvalidSql,
    SchemaMismatch,
    SettingsError,
    Stopped,
    StorageError,
    TimeUp,
    UsageError,
)
from catalog.query import console
from catalog.query.console import Stop, run_sql
from catalog.storage import sqlite_reading
from catalog.storage.engine import write
from tests.contract.reading import PASSWORD, reader_of
from tests.contract.test_console import COUNT, rows_of, url

if TYPE_CHECKING:
    from sqlalchemy import Engine


__all__ = ["url"]


def test_rows_beyond_the_limit_are_left_out_and_said(url: str) -> None:
    query = COUNT % (500) + "SELECT n FROM c"
    with run_sql(url, query, rows=10) as result:
        assert list(result) == [(n,) for n in range(1, 11)]
        assert result.truncated
    with run_sql(url, query, rows=500) as result:
        assert len(list(result)) == 500
        assert not result.truncated


def test_rows_without_a_limit_stream(url: str) -> None:
    with run_sql(url, COUNT % (10**9) + "SELECT n FROM c", rows=None, seconds=20) as result:
        if url.startswith("sqlite"):
            assert list(itertools.islice(result, 3)) == [(1,), (2,), (3,)]
    with run_sql(url, COUNT % (30_000) + "SELECT n FROM c", rows=None) as result:
        assert sum(1 for _ in result) == 30_000


def test_huge_values_are_cut_by_their_size(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "MOST_BYTES", 10_000)
    query = COUNT % (100) + "SELECT replace('" + "x" * 1000 + "', 'y', '') AS a FROM c"
    with run_sql(url, query) as result:
        assert len(list(result)) == 10
        assert result.truncated
    with run_sql(url, query, rows=None) as result:
        assert len(list(result)) == 100


@pytest.mark.parametrize(
    "bomb",
    [
        COUNT % (10**12) + "SELECT count(*) FROM c",
        COUNT % (3000) + "SELECT count(*) FROM c AS a, c AS b, c AS d WHERE a.n + b.n + d.n < 0",
    ],
)
def test_bomb_is_ended_in_time(url: str, bomb: str) -> None:
    started = time.monotonic()
    with pytest.raises(TimeUp, match=r"longer than 0\.3 s"):
        rows_of(url, bomb, seconds=0.3)
    assert time.monotonic() - started < 10


LONG = "hex(zeroblob(1000000))"
ONE_CALL = (
    f"SELECT instr({LONG}, hex(zeroblob(500000)) || '1')",
    f"SELECT length(replace({LONG}, hex(zeroblob(500000)) || '1', ''))",
    "SELECT hex(zeroblob(8000000)) LIKE '%' || hex(zeroblob(490)) || '1'",
    "SELECT hex(zeroblob(8000000)) GLOB '*' || hex(zeroblob(490)) || '1'",
)
"""Calls that take far more than a second: the engine looks at no clock meanwhile."""


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
@pytest.mark.parametrize("bomb", ONE_CALL)
def test_single_call_is_ended_in_time(url: str, bomb: str) -> None:
    started = time.monotonic()
    with pytest.raises(TimeUp, match=r"longer than 0\.5 s"):
        rows_of(url, bomb, seconds=0.5)
    assert time.monotonic() - started < 3
    assert psutil.Process().children() == []


@pytest.mark.parametrize("engine_name", ["postgres"], indirect=True)
@pytest.mark.parametrize(
    "bomb",
    [
        "SELECT pg_sleep(100)",
        "SELECT set_config('statement_timeout', '0', false), pg_sleep(100)",
        "SELECT count(*) FROM generate_series(1, 1000000000000)",
    ],
)
def test_bomb_on_postgresql_is_ended_in_time(url: str, bomb: str) -> None:
    started = time.monotonic()
    with pytest.raises((TimeUp, InvalidSql)):
        rows_of(url, bomb, seconds=0.3)
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("engine_name", ["postgres"], indirect=True)
@pytest.mark.parametrize(
    "pattern", ["(a*)*(a*)*(a*)*(a*)*b", "^(a|aa|aaa)*\\\\1c$", "((a{1,100}){1,100}){1,100}"]
)
def test_large_pattern_ends_or_is_ended(url: str, pattern: str) -> None:
    started = time.monotonic()
    with contextlib.suppress(TimeUp, InvalidSql):
        rows_of(url, f"SELECT repeat('a', 100000) ~ '{pattern}'", seconds=0.5)
    assert time.monotonic() - started < 10


def test_time_counts_while_rows_are_taken(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if not url.startswith("sqlite"):
        # The server keeps the time, and its answer is small enough to be sent at once.
        assert rows_of(url, "SHOW statement_timeout", seconds=7) == [("7s",)]
        return
    with run_sql(url, COUNT % (10**9) + "SELECT n FROM c", rows=None) as result:
        assert next(iter(result)) == (1,)
        late = time.monotonic() + 60
        monkeypatch.setattr("catalog.times.time.monotonic", lambda: late)
        with pytest.raises(TimeUp):
            list(result)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", "says nothing"),
        (" ; -- nothing", "says nothing"),
        ("SELEC 1", "(?i)selec"),
        ("SELECT * FROM v_gtps", "v_gtps"),
        ("SELECT nome FROM v_gpts", "nome"),
        ("SELECT 'a' || '\0'", r"U\+0000"),
        ("SELECT '\ud800'", "UTF-8"),
        ("SELECT " + "1," * 600_000 + "1", "longer than"),
    ],
)
def test_wrong_sql_is_explained(url: str, query: str, words: str) -> None:
    with pytest.raises(InvalidSql, match=words) as caught:
        rows_of(url, query)
    assert caught.value.exit_status == 2
    assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_refusal_names_what_is_refused(url: str) -> None:
    for query, word in (
        ("ATTACH 'x' AS y", "ATTACH"),
        ("PRAGMA user_version = 1", "this PRAGMA"),
        ("SELECT load_extension('x')", "function"),
        ("DELETE FROM gizmos", "this statement"),
    ):
        with pytest.raises(InvalidSql, match=word):
            rows_of(url, query)


@pytest.mark.parametrize(("more", "words"), [({"rows": -1}, "rows"), ({"seconds": 0}, "seconds")])
def test_limit_that_is_none_is_an_error(url: str, more: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        rows_of(url, "SELECT 1", **more)


def test_result_that_is_left_early_lets_go(url: str) -> None:
    with run_sql(url, COUNT % (100_000) + "SELECT n FROM c", rows=None) as result:
        next(iter(result))
    result.close()
    assert rows_of(url, "SELECT 1") == [(1,)]


def test_place_without_a_catalog_is_an_error(empty_url: str) -> None:
    with pytest.raises(CatalogMissing), reader_of(empty_url) as found:
        rows_of(found, "SELECT 1")


def test_newer_schema_is_refused(url: str, engine: Engine) -> None:
    with write(engine) as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaMismatch, match="newer"):
        rows_of(url, "SELECT 1")


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
@pytest.mark.parametrize("query", [ONE_CALL[0], COUNT % (10**9) + "SELECT count(*) FROM c"])
def test_ctrl_c_ends_a_query_on_sqlite(url: str, query: str) -> None:
    """Be it in the middle of a single call."""
    # A shell's background job inherits that Ctrl-C is ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    started = time.monotonic()
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            rows_of(url, query)
    finally:
        signal.signal(signal.SIGINT, before)
    # Left alone it would go on for more than a minute.
    assert time.monotonic() - started < 30
    assert psutil.Process().children() == []


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_queries_run_in_threads_at_once(url: str) -> None:
    found: list[object] = []

    def ask(number: int) -> None:
        query = COUNT % (number) + "SELECT max(n) FROM c"  # noqa: S608  (a number)
        found.extend(rows_of(url, query))

    threads = [threading.Thread(target=ask, args=(number,)) for number in (1000, 2000, 3000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, found)) == ["(1000,)", "(2000,)", "(3000,)"]
    assert psutil.Process().children() == []


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_result_that_is_forgotten_leaves_no_process(url: str) -> None:
    result = run_sql(url, COUNT % (10**9) + "SELECT n FROM c", rows=None)
    assert next(iter(result)) == (1,)
    assert len(psutil.Process().children()) == 1
    del result
    gc.collect()
    assert psutil.Process().children() == []


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_process_that_is_killed_by_others_is_an_error(url: str) -> None:
    with run_sql(url, COUNT % (10**9) + "SELECT n FROM c", rows=None) as result:
        assert next(iter(result)) == (1,)
        psutil.Process().children()[0].kill()
        with pytest.raises(InvalidSql, match=r"signal 9.*narrow"):
            list(result)


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_process_ends_when_nobody_is_left_to_end_it(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its reader's clock stands still: what is counted then is time on the processor."""
    started = time.perf_counter()
    monkeypatch.setattr("catalog.times.time.monotonic", lambda: 0.0)
    with pytest.raises(TimeUp):
        rows_of(url, ONE_CALL[0], seconds=0.5)
    assert time.perf_counter() - started < 30


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_rows_that_came_in_time_can_be_taken_late(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person reads a page, then the next."""
    with run_sql(url, COUNT % (1500) + "SELECT n FROM c") as result:
        rows = iter(result)
        assert next(rows) == (1,)
        (child,) = psutil.Process().children()
        while child.status() != psutil.STATUS_ZOMBIE:
            os.sched_yield()
        late = time.monotonic() + 60
        monkeypatch.setattr("catalog.times.time.monotonic", lambda: late)
        assert len(list(rows)) == 1499


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_query_that_sorts_too_much_is_ended(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_reading, "TEMPORARY_FILE", 2**20)
    query = COUNT % (90) + "SELECT randomblob(1000000) AS b FROM c ORDER BY b"
    with pytest.raises(InvalidSql, match="sorts more than"):
        rows_of(url, query)


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_query_that_needs_too_much_memory_is_ended(url: str) -> None:
    wide = ",".join(["zeroblob(16000000)"] * 100)
    before = psutil.Process().memory_info().rss
    with pytest.raises(InvalidSql, match="memory"):
        rows_of(url, f"SELECT {wide}")
    assert psutil.Process().memory_info().rss - before < 100e6


def test_row_has_a_size(url: str) -> None:
    value = "printf('%.*c', 15000000, 'x')"
    if not url.startswith("sqlite"):
        value = "repeat('x', 15000000)"
    assert [len(each) for each in rows_of(url, f"SELECT {value}, {value}")[0]] == [15_000_000] * 2
    with pytest.raises(InvalidSql, match=r"a row is longer than 32 MiB.*substr"):
        rows_of(url, f"SELECT {value}, {value}, {value}")


def test_long_rows_are_not_held_together(url: str) -> None:
    value = "printf('%.*c', 2000000, 'x')" if url.startswith("sqlite") else "repeat('x', 2000000)"
    process = psutil.Process()
    before = process.memory_info().rss
    query = COUNT % (200) + f"SELECT n, {value} FROM c"  # noqa: S608  (written above)
    with run_sql(url, query) as result:
        rows = iter(result)
        next(rows)
        assert process.memory_info().rss - before < 100e6
        assert sum(1 for _ in rows) == 32
        assert result.truncated


def test_parameter_that_no_engine_takes_is_an_error(url: str) -> None:
    with pytest.raises(InvalidSql, match=":a cannot be written"):
        rows_of(url, "SELECT :a", parameters={"a": "\ud800"})
    if url.startswith("sqlite"):
        for number in (2**63, -(2**63) - 1):
            with pytest.raises(InvalidSql, match="64 bits"):
                rows_of(url, "SELECT :a", parameters={"a": number})
        assert rows_of(url, "SELECT :a", parameters={"a": -(2**63)}) == [(-(2**63),)]


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_bytes_that_are_no_text_are_shown(url: str) -> None:
    assert rows_of(url, "SELECT CAST(x'41ff42' AS TEXT), x'00ff'") == [("A\ufffdB", b"\x00\xff")]


@pytest.mark.parametrize("engine_name", ["postgres"], indirect=True)
def test_values_of_postgresql_are_of_few_kinds(url: str) -> None:
    query = (
        "SELECT 1::bigint, sum(n), 1.50, 'NaN'::numeric, true, '{\"a\": [1]}'::jsonb,"
        " ARRAY[1, 2], '2024-02-13'::date, '2024-02-13 10:00+01'::timestamptz,"
        " '\\x00ff'::bytea, interval '1 day', 10::numeric(5, 1)"
        " FROM (VALUES (2), (3)) AS v(n)"
    )
    ((*values, whole),) = rows_of(url, query)
    assert repr(values[3]) == "nan"
    assert values[:3] + values[4:8] == [1, 5, 1.5, True, '{"a": [1]}', "[1, 2]", "2024-02-13"]
    assert isinstance(values[1], int)
    assert values[8].isoformat() == "2024-02-13T09:00:00+00:00"
    assert values[9:] == [b"\x00\xff", "1 day, 0:00:00"]
    assert isinstance(whole, float)
    with pytest.raises(InvalidSql):
        rows_of(url, "SELECT 'infinity'::timestamptz")


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_query_that_meets_damage_says_so(engine: Engine, url: str) -> None:
    path = Path(engine.url.database or "")
    engine.dispose()
    data = bytearray(path.read_bytes())
    # The list of tables stays; what lies behind it does not.
    data[len(data) // 2 :] = b"\xff" * (len(data) - len(data) // 2)
    path.write_bytes(data)
    with pytest.raises(CatalogCorrupt, match="recover"):
        rows_of(url, "SELECT count(*) FROM gizmos, observations, payloads, outcomes, changes")


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_error_behind_the_first_rows_reaches_who_takes_them(url: str) -> None:
    query = COUNT % (100_000) + "SELECT abs(n - 9223372036854775807 - 50001) FROM c"
    with (
        run_sql(url, query, rows=None) as result,
        pytest.raises(InvalidSql, match="integer overflow"),
    ):
        list(result)


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.EAGAIN, "end others, then repeat"),
        (errno.EACCES, f"see that whoever asks may run {re.escape(sys.executable)}"),
    ],
)
@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_machine_that_starts_no_process_is_named(
    url: str, monkeypatch: pytest.MonkeyPatch, number: int, advice: str
) -> None:
    """Who may not run the interpreter was told to end other processes."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("subprocess.Popen", refuse)
    with pytest.raises(StorageError, match=f"no process can be started .*{advice}"):
        rows_of(url, "SELECT 1")


@pytest.mark.parametrize("engine_name", ["postgres"], indirect=True)
def test_console_without_a_driver_names_the_extra(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr("catalog.storage.postgres_reading.import_module", missing)
    with pytest.raises(SettingsError, match="psycopg"):
        rows_of(url, "SELECT 1")


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_query_that_is_stopped_while_its_rows_are_taken_says_so(url: str) -> None:
    stop = Stop()
    query = COUNT % (10**9) + "SELECT n FROM c"
    with run_sql(url, query, rows=None, seconds=60, stop=stop) as result:
        rows = iter(result)
        assert next(rows) == (1,)
        stop.set()
        with pytest.raises(Stopped, match="was stopped"):
            list(rows)
