"""Where the catalog is, who reads it, which keys there are, and the file of ``init``."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import make_url

from catalog.errors import SettingsError
from catalog.settings import (
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
    normalize_catalog_url,
    source_keys,
)

KEY = "sk-Zb4nowhere7Qx1"


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


def test_key_that_would_be_redacted_from_ordinary_text_stops_its_own_source_alone() -> None:
    """Nobody is ever sent it, so no answer can echo it; it stopped all sources once."""
    settings = Settings(
        sources={
            "a": SourceSettings(name="a", dialect="gpts-v1", api_key_env="A_KEY"),
            "b": SourceSettings(name="b", dialect="gpts-v1", api_key_env="B_KEY"),
        }
    )
    environ = {"A_KEY": KEY, "B_KEY": "..."}
    assert source_keys(settings, environ) == (KEY,)
    with pytest.raises(SettingsError, match=r"^sources\.b\.api_key_env: what B_KEY holds"):
        api_key(settings.sources["b"], environ)
    assert api_key(settings.sources["a"], environ) == KEY
    assert known_secrets(settings, environ) == (KEY, "...")


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
