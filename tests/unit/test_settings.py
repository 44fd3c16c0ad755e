from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import make_url

from catalog.errors import SettingsError
from catalog.settings import (
    DEFAULT_URL,
    CatalogSettings,
    JobSettings,
    MetricsSettings,
    NotifySettings,
    PlanSettings,
    ProbeSettings,
    Settings,
    SourceSettings,
    WatchSettings,
    api_key,
    default_toml,
    known_secrets,
    load_settings,
    normalize_catalog_url,
    source_keys,
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


@pytest.fixture
def read(tmp_path: Path) -> Any:
    """Reads a text as the settings file."""

    def load(text: str, environ: dict[str, str] | None = None, **more: Any) -> Settings:
        path = tmp_path / "catalog.toml"
        path.write_text(text, encoding="utf-8")
        return load_settings(path, environ or {}, **more)

    return load


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


def test_watch_status_is_one_of_three(read: Any) -> None:
    with pytest.raises(SettingsError, match="one of gone, listed, missing"):
        read("[watch.w]\nstatus = 'lost'")


def test_unknown_time_zone_is_refused(read: Any) -> None:
    with pytest.raises(SettingsError, match=r"catalog\.timezone: 'Mars/Olympus' is no time zone"):
        read("[catalog]\ntimezone = 'Mars/Olympus'")


def test_catalog_comes_from_command_line_then_environment_then_file(read: Any) -> None:
    text = "[catalog]\nurl = 'file.db'"
    environ = {"GPTS_CATALOG_URL": "environ.db"}
    assert read(text).catalog.url == "sqlite:///file.db"
    assert read(text, environ).catalog.url == "sqlite:///environ.db"
    assert read(text, environ, url="typed.db").catalog.url == "sqlite:///typed.db"


def test_wrong_catalog_says_who_named_it(read: Any) -> None:
    with pytest.raises(SettingsError, match=r"^GPTS_CATALOG_URL: expected sqlite:///PATH"):
        read("", {"GPTS_CATALOG_URL": "mysql://me:pass@host/db"})
    with pytest.raises(SettingsError, match=r"^--catalog: "):
        read("", url="sqlite://x.db")
    with pytest.raises(SettingsError, match=r"catalog\.toml: catalog\.url: "):
        read("[catalog]\nurl = ''")


def test_clock_is_carried_as_text(read: Any) -> None:
    assert read("").clock is None
    assert read("", {"GPTS_CATALOG_CLOCK": "2024-02-13T00:00Z"}).clock == "2024-02-13T00:00Z"


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("data/catalog.db", "sqlite:///data/catalog.db"),
        ("/var/lib/c.db", "sqlite:////var/lib/c.db"),
        ("sqlite:////var/lib/c.db", "sqlite:////var/lib/c.db"),
        ("SQLite:///c.db", "sqlite:///c.db"),
        ("postgres://u@h/db", "postgresql://u@h/db"),
        ("postgresql+psycopg://u:p@h:5432/db", "postgresql://u:p@h:5432/db"),
        ("postgresql://u:@/db?host=/run/pg", "postgresql://u:@/db?host=/run/pg"),
    ],
)
def test_catalog_url_has_one_form(text: str, url: str) -> None:
    assert normalize_catalog_url(text) == url
    assert normalize_catalog_url(url) == url


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":memory:",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite://data/c.db",
        "sqlite:///c.db?mode=ro",
        "postgresql:me@h/db",
        "sqlite:c.db",
        "postgresql://",
        "postgresql://host",
        "postgresql://h:x/db",
        "mysql://h/db",
    ],
)
def test_what_names_no_catalog_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected|catalog|slashes|options|URL"):
        normalize_catalog_url(text)


@given(st.text(st.characters(exclude_characters="/~:\0", codec="utf-8"), min_size=1))
def test_bare_path_is_the_path_that_sqlalchemy_opens(name: str) -> None:
    path = f"x{name}x"
    assert make_url(normalize_catalog_url(path)).database == path


def test_api_key_is_read_from_the_environment() -> None:
    source = SourceSettings(name="s", dialect="gpts-v1", api_key_env="S_KEY")
    assert api_key(source, {"S_KEY": f" {KEY}\n"}) == KEY


def test_api_key_is_none_where_none_is_needed() -> None:
    assert api_key(SourceSettings(name="s", dialect="gpts-v1"), {"S_KEY": KEY}) is None


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "export S_KEY=YOUR_KEY"),
        ("  ", "is not set"),
        ("abc", "fewer than 6 characters"),
        ("sk-one sk-two", "no HTTP header"),
        ("sk-schlüssel", "no HTTP header"),
        ("sk-one\r\nX-Evil: 1", "no HTTP header"),
    ],
)
def test_unusable_api_key_is_refused_and_not_repeated(value: str | None, message: str) -> None:
    source = SourceSettings(name="s", dialect="gpts-v1", api_key_env="S_KEY")
    with pytest.raises(SettingsError, match=message) as caught:
        api_key(source, {} if value is None else {"S_KEY": value})
    assert str(caught.value).startswith("sources.s.api_key_env: ")
    assert value is None or not value.strip() or value not in str(caught.value)


def test_known_secrets_are_keys_and_passwords_longest_first() -> None:
    settings = Settings(
        catalog=CatalogSettings(url="postgresql://me:p%40ss-of-the-database@h/db"),
        sources={
            "a": SourceSettings(name="a", dialect="gpts-v1", api_key_env="A_KEY"),
            "b": SourceSettings(name="b", dialect="gpts-v2", api_key_env="B_KEY"),
            "c": SourceSettings(name="c", dialect="gpts-v2", api_key_env="UNSET"),
        },
    )
    environ = {
        "A_KEY": KEY,
        "B_KEY": KEY[:10],
        "HTTPS_PROXY": "http://me:proxy-word@proxy.example",
        "http_proxy": "http://[broken",
        "GPTS_CATALOG_TOMBSTONE_KEY": f"{'1f' * 32} {'2e' * 32}",
        "PATH": "/nothing:secret@here",
    }
    assert source_keys(settings, environ) == (KEY, KEY[:10])
    secrets = known_secrets(settings, environ)
    assert set(secrets) == {
        KEY,
        KEY[:10],
        "p%40ss-of-the-database",
        "p@ss-of-the-database",
        "proxy-word",
        "1f" * 32,
        "2e" * 32,
    }
    assert [len(each) for each in secrets] == sorted(map(len, secrets), reverse=True)


def test_file_of_init_loads_as_it_is(read: Any) -> None:
    settings = read(default_toml("sqlite:///other.db"))
    assert settings.catalog == CatalogSettings(url="sqlite:///other.db")
    assert settings.sources == {"archive": SourceSettings(name="archive", dialect="recorded")}
    assert (settings.jobs, settings.watch) == ({}, {})


def test_file_of_init_names_every_key_with_its_default(read: Any) -> None:
    """Without its comment signs it loads too: what stands there is an example or the default."""
    text = re.sub(r"^# (?=\[|[a-z0-9_]+ = )", "", default_toml(), flags=re.MULTILINE)
    settings = read(text)
    source = settings.sources["example"]
    default = SourceSettings(name="example", dialect="gpts-v2")
    examples = {
        "base_url",
        "api_key_env",
        "requests_per_day",
        "price_per_request",
        "tokens_per_day",
        "price_per_1k_tokens",
    }
    assert {
        key for key in source.__struct_fields__ if getattr(source, key) != getattr(default, key)
    } == examples
    for section in (
        CatalogSettings,
        SourceSettings,
        JobSettings,
        PlanSettings,
        ProbeSettings,
        NotifySettings,
        MetricsSettings,
        WatchSettings,
    ):
        for field in msgspec.structs.fields(section):
            assert field.name == "name" or f"\n{field.name} = " in text
    assert settings.watch["rivals"] == WatchSettings(
        search="translation",
        category="productivity",
        tool="dalle",
        tag="public",
        author="Example Author",
        status="listed",
        min_conversations=1000,
        field="name",
    )
    assert settings.jobs["refresh"].sources == ("example",)
    assert settings.plan.weights == {"rivals": 10}
    assert settings.probe.logit_bias == {"50256": -100}
    assert settings.notify.webhook_env == "EXAMPLE_WEBHOOK"
    assert settings.metrics.listen == "127.0.0.1:9877"


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1))
def test_file_of_init_carries_any_path(name: str) -> None:
    url = normalize_catalog_url(f"x{name}")
    assert tomllib.loads(default_toml(url))["catalog"] == {"url": url}


READER = "postgresql://reader:its-password@db.example/catalog"
OWNER = "postgresql://owner@db.example/catalog"


def test_reader_of_a_postgresql_catalog_is_read(read: Any) -> None:
    settings = read(f'[catalog]\nurl = "{OWNER}"\nreader_url = "{READER}"\n')
    assert settings.catalog.reader_url == READER
    assert "its-password" in known_secrets(settings, {})


def test_reader_in_the_environment_goes_first(read: Any) -> None:
    other = READER.replace("reader:", "other:")
    text = f'[catalog]\nurl = "{OWNER}"\nreader_url = "{READER}"\n'
    settings = read(text, {"GPTS_CATALOG_READER_URL": other})
    assert settings.catalog.reader_url == other


@pytest.mark.parametrize("environ", [{}, {"GPTS_CATALOG_READER_URL": READER}])
def test_reader_goes_with_its_catalog(read: Any, environ: dict[str, str]) -> None:
    """SQL must not answer from another catalog than the one that is named."""
    text = f'[catalog]\nurl = "{OWNER}"\nreader_url = "{READER}"\n'
    assert read(text, environ, url="sqlite:///other.db").catalog.reader_url is None
    assert read(text, environ, url=OWNER).catalog.reader_url == READER
    elsewhere = {"GPTS_CATALOG_URL": "sqlite:///other.db"}
    assert read(text, elsewhere).catalog.reader_url is None


@pytest.mark.parametrize("url", ["sqlite:///x.db", "mysql://reader@host/x"])
def test_reader_that_is_no_role_of_postgresql_is_refused(read: Any, url: str) -> None:
    with pytest.raises(SettingsError, match=r"catalog\.reader_url: .*expected"):
        read(f'[catalog]\nreader_url = "{url}"\n')
    with pytest.raises(SettingsError, match=r"GPTS_CATALOG_READER_URL: .*expected"):
        read("", {"GPTS_CATALOG_READER_URL": url})


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
