from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from catalog.errors import SettingsError
from catalog.settings import (
    DEFAULT_URL,
    CatalogSettings,
    JobSettings,
    Settings,
    SourceSettings,
    WatchSettings,
    load_settings,
    normalize_catalog_url,
)

if TYPE_CHECKING:
    from pathlib import Path

KEY = "sk-Zb4nowhere7Qx1"
WHOLE = """
[catalog]
url = "sqlite:///here.db"
timezone = "Asia/Tokyo"

[sources.example]
dialect = "gpts-v2"
base_url = "https://gateway.example/"
api_key_env = "EXAMPLE_API_KEY"
requests_per_second = 5
max_concurrency = 8
requests_per_day = 20000
price_per_request = 0.001

[sources.archive]
dialect = "recorded"

[jobs.refresh]
schedule = "0 3 * * *"
sources = ["example"]

[watch.rivals]
search = "translation"
"""


def _source(line: str, dialect: str = "chat-query") -> str:
    base = "" if "base_url" in line else 'base_url = "https://gateway.example"\n'
    return f'[sources.example]\ndialect = "{dialect}"\n{base}{line}\n'


def test_file_of_the_design_is_read_whole(read: Any) -> None:
    settings = read(WHOLE)
    assert settings.catalog == CatalogSettings(url="sqlite:///here.db", timezone="Asia/Tokyo")
    assert settings.sources == {
        "example": SourceSettings(
            name="example",
            dialect="gpts-v2",
            base_url="https://gateway.example",
            api_key_env="EXAMPLE_API_KEY",
            requests_per_second=5.0,
            max_concurrency=8,
            requests_per_day=20_000,
            price_per_request=0.001,
        ),
        "archive": SourceSettings(name="archive", dialect="recorded"),
    }
    assert settings.jobs == {"refresh": JobSettings(schedule="0 3 * * *", sources=("example",))}
    assert settings.watch == {"rivals": WatchSettings(search="translation")}


def test_no_file_means_defaults() -> None:
    assert load_settings(None, {}) == Settings()
    assert Settings().catalog.url == DEFAULT_URL == normalize_catalog_url(DEFAULT_URL)


def test_empty_file_means_defaults(read: Any) -> None:
    assert read("") == Settings()


def test_missing_file_names_the_next_command(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nowhere\.toml: .*gpts-catalog init"):
        load_settings(tmp_path / "nowhere.toml", {})


def test_broken_toml_says_where(read: Any) -> None:
    with pytest.raises(SettingsError, match=r"catalog\.toml: no TOML: .*line 2"):
        read('[catalog]\nurl = "\n')


def test_a_folder_is_no_settings_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=re.escape(str(tmp_path))):
        load_settings(tmp_path, {})


def test_other_encodings_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "catalog.toml"
    path.write_bytes("# \u00e9".encode("latin-1"))
    with pytest.raises(SettingsError, match="UTF-8"):
        load_settings(path, {})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[source.x]", "source: unknown key; did you mean 'sources'"),
        ("[catalog]\nurll = 'x'", "catalog.urll: unknown key; did you mean 'url'"),
        (
            _source("request_per_second = 1"),
            "sources.example.request_per_second: unknown key; did you mean 'requests_per_second'",
        ),
        (_source("qqq = 1"), "sources.example.qqq: unknown key; known are: dialect, base_url"),
        (_source("name = 'x'"), "sources.example.name: unknown key"),
        (
            "[jobs.refresh]\nshedule = '* * * * *'",
            "jobs.refresh.shedule: unknown key; did you mean 'schedule'",
        ),
        ("[watch.w]\ntext = 'x'", "watch.w.text: unknown key; known are: search"),
    ],
)
def test_unknown_key_names_its_path_and_the_nearest(read: Any, text: str, message: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(f"catalog.toml: {message}")):
        read(text)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("requests_per_second = 0", "expected a number above 0 and at most 10,000, got 0"),
        ("requests_per_second = inf", "got inf"),
        ("requests_per_second = nan", "got nan"),
        ("requests_per_second = '5'", "expected a number above 0 and at most 10,000, got a text"),
        ("requests_per_second = true", "got true or false"),
        ("requests_per_second = 2024-01-01", "got a date or a time"),
        ("max_concurrency = 2.5", "expected a whole number at least 1 and at most 1,000, got 2.5"),
        ("max_concurrency = 0", "got 0"),
        ("requests_per_day = -1", "expected a whole number at least 0, got -1"),
        ("price_per_request = -0.1", "got -0.1"),
        ("total_timeout = 0", "expected a number above 0"),
        ("max_attempts = 0", "expected a whole number at least 1"),
        ("batch_size = []", "got a list"),
        ("batch_size = 0", "got 0"),
        ("chat_path = 'v1/chat'", "must begin with /"),
        ("model_prefix = ''", "must hold a character"),
        ("base_url = 5", "expected a text, got 5"),
        ("base_url = {}", "expected a text, got a table"),
    ],
)
def test_value_of_wrong_type_or_range_says_what_is_expected(
    read: Any, line: str, message: str
) -> None:
    key = line.split(" ", maxsplit=1)[0]
    with pytest.raises(SettingsError) as caught:
        read(_source(line))
    assert f"catalog.toml: sources.example.{key}: " in str(caught.value)
    assert message in str(caught.value)


def test_section_that_is_no_table_is_refused(read: Any) -> None:
    with pytest.raises(SettingsError, match=r"sources: expected a table"):
        read("sources = 5")
    with pytest.raises(SettingsError, match=r"sources\.x: expected a table"):
        read("[sources]\nx = 5")


def test_name_with_odd_characters_is_refused(read: Any) -> None:
    with pytest.raises(SettingsError, match="a name is made of letters"):
        read("[sources.'a b']\ndialect = 'recorded'")


def test_dialect_is_one_of_five_and_the_nearest_is_named(read: Any) -> None:
    with pytest.raises(
        SettingsError, match=r"one of chat-query, gpts-v1, .*; did you mean 'gpts-v"
    ):
        read(_source("", dialect="gpt-v2"))


def test_dialect_is_required(read: Any) -> None:
    with pytest.raises(SettingsError, match=r"sources\.x: dialect is missing: expected one of"):
        read("[sources.x]\n")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "gateway.example",
        "gateway.example:8080/v1",
        "ftp://gateway.example",
        "https://",
        "https:///v1",
        "https://gateway.example:port",
        "https://gateway.example:0",
        "https://gate way.example",
        "https://[::1",
        "https://gateway.example?x=1",
        "https://gateway.example#x",
    ],
)
def test_base_url_without_scheme_or_host_is_refused(read: Any, url: str) -> None:
    with pytest.raises(SettingsError, match=r"sources\.example\.base_url: "):
        read(_source(f"base_url = '{url}'"))


@pytest.mark.parametrize("url", ["https://gateway.example/sub/", "http://127.0.0.1:8080"])
def test_base_url_loses_its_last_slash_and_nothing_else(read: Any, url: str) -> None:
    source = read(_source(f"base_url = '{url}'")).sources["example"]
    assert source.base_url == url.rstrip("/")


@pytest.mark.parametrize(
    "line",
    [
        f"api_key_env = '{KEY}'",
        "api_key_env = 'abcdef0123456789abcdef0123456789'",
        "api_key_env = 'ABCDEF0123456789ABCDEF'",
        f"base_url = 'https://me:{KEY}@gateway.example'",
        f"base_url = 'https://gateway.example/?key={KEY}'",
        f"api_key = '{KEY}'",
        f"requests_per_second = '{KEY}'",
        f"dialekt = '{KEY}'",
    ],
)
def test_literal_secret_is_refused_and_not_repeated(read: Any, line: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(_source(line))
    assert line.split("'", maxsplit=2)[1] not in str(caught.value)
    assert KEY not in str(caught.value)
    assert caught.value.__cause__ is None


def test_recorded_source_takes_no_address(read: Any) -> None:
    with pytest.raises(SettingsError, match="is never asked"):
        read("[sources.x]\ndialect = 'recorded'\nbase_url = 'https://gateway.example'")


def test_batches_are_for_chat_query(read: Any) -> None:
    assert read(_source("batch_size = 5")).sources["example"].batch_size == 5
    with pytest.raises(SettingsError, match=r"batch_size: chat-query alone"):
        read(_source("batch_size = 5", dialect="gpts-v1"))


def test_first_repeat_waits_no_longer_than_any(read: Any) -> None:
    with pytest.raises(SettingsError, match=r"backoff_base: expected no more than backoff_max"):
        read(_source("backoff_base = 61"))


@pytest.mark.parametrize(
    "cron", ["0 3 * * *", "*/5 0-6 1,15 jan-mar mon", "0 0 1 1 7", "59 23 31 12 SUN"]
)
def test_schedule_is_a_cron_line(read: Any, cron: str) -> None:
    assert read(f"[jobs.j]\nschedule = '{cron}'").jobs["j"].schedule == cron


@pytest.mark.parametrize(
    "cron",
    [
        "",
        "daily",
        "0 3 * *",
        "0 3 * * * *",
        "60 3 * * *",
        "0 24 * * *",
        "0 3 0 * *",
        "*/0 * * * *",
        "0 3 * 13 *",
        "0 3 * * 8",
        "0 3 ; * *",
    ],
)
def test_schedule_that_is_no_cron_line_is_refused(read: Any, cron: str) -> None:
    with pytest.raises(SettingsError, match=r"jobs\.j\.schedule: expected five cron fields"):
        read(f"[jobs.j]\nschedule = '{cron}'")


def test_schedule_can_be_off(read: Any) -> None:
    assert read("[jobs.j]\nschedule = 'off'").jobs["j"].schedule == "off"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[jobs.j]\nleast = 3\nmost = 2", r"jobs\.j\.least: expected no more than most"),
        ("[plan]\nobjective = 'change'", "did you mean 'changes'"),
        ("[plan]\nceiling_days = 1\nfloor_hours = 25", "expected no more than ceiling_days"),
        ("[plan.weights]\nrivals = 2", r"no such watch; add \[watch\.rivals\]"),
        ("[plan.weights]\nw = 0\n[watch.w]\nsearch = 'x'", "expected a table of numbers"),
        ("[probe]\nstream = 1", "expected true or false"),
        ("[probe]\ntemperature = 3", "at least 0 and at most 2"),
        ("[notify]\non = ['alarms']", "expected"),
        ("[metrics]\nlisten = '9877'", r"metrics\.listen: .*HOST:PORT"),
        ("[metrics]\nlisten = 9877", r"metrics\.listen: "),
    ],
)
def test_sections_of_what_runs_by_itself_are_read_strictly(
    read: Any, text: str, message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        read(text)


@pytest.mark.parametrize("name", ["webhook_env", "urls_env"])
def test_address_in_place_of_its_variable_is_refused_and_not_repeated(read: Any, name: str) -> None:
    address = "https://hooks.example/T0/secret"
    with pytest.raises(SettingsError, match="the address itself") as refused:
        read(f"[notify]\n{name} = '{address}'")
    assert "secret" not in str(refused.value)


def test_job_with_unknown_source_names_the_nearest(read: Any) -> None:
    with pytest.raises(SettingsError, match=r"no source 'exampel'; did you mean 'example'"):
        read(WHOLE.replace('sources = ["example"]', 'sources = ["exampel"]'))
    with pytest.raises(SettingsError, match=r"no source 'x'; add \[sources\.x\]"):
        read("[jobs.j]\nsources = ['x']")


def test_watch_that_looks_for_nothing_is_refused(read: Any) -> None:
    with pytest.raises(SettingsError, match=r"watch\.w: says nothing to look for; it takes search"):
        read("[watch.w]")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("search = '\"open'", "watch.w: "),
        ("field = 'nme'", "there is no field 'nme': did you mean 'name'"),
        ("field = 'updated_at'", "its changes are noise"),
        ("tag = ' '", "its value is empty"),
    ],
)
def test_watch_that_makes_no_sense_is_refused_where_it_stands(
    read: Any, given: str, said: str
) -> None:
    with pytest.raises(SettingsError) as told:
        read(f"[watch.w]\n{given}")
    assert said in str(told.value)
    assert "watch.w: " in str(told.value)


def test_watch_status_is_one_of_three(read: Any) -> None:
    with pytest.raises(SettingsError, match="one of gone, listed, missing"):
        read("[watch.w]\nstatus = 'lost'")


def test_unknown_time_zone_is_refused(read: Any) -> None:
    with pytest.raises(SettingsError, match=r"catalog\.timezone: 'Mars/Olympus' is no time zone"):
        read("[catalog]\ntimezone = 'Mars/Olympus'")


def test_a_list_of_words_names_the_one_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "catalog.toml"
    path.write_text('[notify]\non = ["alarm", "wach"]\n')
    with pytest.raises(SettingsError) as error:
        load_settings(path, {})
    assert "'wach'" in str(error.value)
    assert "alarm, report, watch" in str(error.value)
    assert "did you mean 'watch'?" in str(error.value)


def test_export_is_read_with_what_it_must_hold(read: Any) -> None:
    settings = read('[export]\nname = "a-b"\n[export.expect]\nleast_fresh = { 30 = 0.9 }\n')
    assert settings.export.name == "a-b"
    assert settings.export.expect.least_fresh == {"30": 0.9}
    assert settings.export.expect.least_rows == {"gizmos": 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[export]\nname = "A b"', "export.name: must be made of a-z"),
        ("[export.expect]\nleast_row = {}", "export.expect.least_row: unknown key; did you mean"),
        ("[export.expect]\nmost_gone = 2", "export.expect.most_gone: expected a number"),
        ("[export.expect]\nleast_fresh = { 3 = 0.5 }", "export.expect.least_fresh: expected"),
        ("[export.expect]\nmost_null = { name = 0.1 }", "expected a table and a column"),
        (
            "[export.expect]\nleast_rows = { gizmos = 5 }\nmost_rows = { gizmos = 4 }",
            "export.expect.least_rows.gizmos: expected no more than in most_rows",
        ),
        ('[export]\npseudonym_key_env = "s3cret key"', "not shown, as it may be the key itself"),
    ],
)
def test_export_that_cannot_be_meant_is_refused(read: Any, text: str, message: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(message)):
        read(text)
