"""How a catalog's URL is told to people."""

from __future__ import annotations

import pytest

from catalog.errors import SettingsError
from catalog.storage.urls import describe, parse_url, setting_of

SECRET = "not-to-be-told"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("sqlite:///data/catalog.db", "sqlite:///data/catalog.db"),
        ("sqlite:////var/lib/c.db", "sqlite:////var/lib/c.db"),
        (f"postgres://ann:{SECRET}@db.example/gpts", "postgresql://ann@db.example/gpts"),
        (f"postgresql://ann@/gpts?password={SECRET}&host=/run", "postgresql://ann@/gpts?host=/run"),
        (f"postgresql://ann@h/gpts?sslpassword={SECRET}", "postgresql://ann@h/gpts"),
        (f"postgresql+psycopg://a:{SECRET}@h:5433/gpts", "postgresql://a@h:5433/gpts"),
    ],
)
def test_setting_names_the_same_catalog_and_no_password(given: str, told: str) -> None:
    found = setting_of(parse_url(given))
    assert found.replace("%2F", "/") == told
    assert describe(parse_url(found)) == describe(parse_url(given))


@pytest.mark.parametrize(
    "given", ["sqlite://", "sqlite:///:memory:", "sqlite:///data/catalog.db?mode=ro"]
)
def test_sqlite_catalog_is_a_file_and_nothing_else(given: str) -> None:
    with pytest.raises(SettingsError, match=r"write sqlite:///path/to/catalog\.db and nothing"):
        parse_url(given)
