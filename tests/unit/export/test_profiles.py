"""Profiles: every column is named, and what is not named is out."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from catalog.errors import UsageError
from catalog.export.profiles import (
    PROFILES,
    RULES,
    Profile,
    action,
    fields,
    without_links,
    without_mail,
)
from catalog.export.pseudonyms import load_key, pseudonyms
from catalog.fields import BY_PATH
from catalog.query.exported import LEFT_OUT, LEFT_OUT_TABLES, REPLACED, TABLES
from catalog.storage import tables as t

PSEUDONYM = pseudonyms(b"k" * 32)


@pytest.mark.parametrize("name", TABLES)
def test_each_column_of_each_table_is_named_once_by_the_profiles(name: str) -> None:
    named = [
        column for rules in RULES[name] for names in rules.values() for column in names.split()
    ]
    assert sorted(named) == sorted(column.name for column in TABLES[name].columns)


def test_each_table_and_column_of_the_catalog_is_exported_or_left_out_with_a_reason() -> None:
    assert {*TABLES, *LEFT_OUT_TABLES} == set(t.metadata.tables)
    assert not {*TABLES} & {*LEFT_OUT_TABLES}
    for name, exported in TABLES.items():
        had = {
            column.name
            for column in t.metadata.tables[name].columns
            if f"{name}.{column.name}" not in LEFT_OUT and column.name not in REPLACED
        }
        assert had <= {column.name for column in exported.columns}, name


@pytest.mark.parametrize("profile", PROFILES)
def test_a_column_that_no_rule_names_is_in_no_profile(profile: str) -> None:
    assert action(profile, "gizmos", "user_email_2") == "-"  # type: ignore[arg-type]
    assert action(profile, "new_table", "gizmo_id") == "-"  # type: ignore[arg-type]


@pytest.mark.parametrize("profile", PROFILES)
def test_no_profile_exports_mail_addresses_of_authors(profile: str) -> None:
    found = Profile(profile, PSEUDONYM)  # type: ignore[arg-type]
    for name in ("gizmo_authors", "authors"):
        table = found.table(name)
        assert table is not None
        assert "user_email" not in {column.name for column in table.columns}


def test_public_tells_of_no_author_but_a_pseudonym() -> None:
    profile = Profile("public", PSEUDONYM)
    table = profile.table("authors")
    assert table is not None
    assert not [column.name for column in table.columns if column.name == "display_name"]
    change = profile.transform("authors", "user_id")
    assert change is not None
    assert change("user-abc").startswith("author-")
    assert change("user-abc") == change("user-abc") != change("user-abd")
    assert profile.table("author_socials") is None
    assert profile.table("discoveries") is None
    with pytest.raises(UsageError, match="pseudonyms"):
        Profile("public")


def test_changes_are_told_by_what_happens_to_their_field() -> None:
    profile = Profile("public", PSEUDONYM)
    known = fields("public")
    assert known is not None
    assert "gizmo.author.display_name" not in known
    assert "gizmo.author.display_socials" not in known
    assert "gizmo.new_field" not in known
    paths = ["gizmo.display.name", "gizmo.author.user_id", "gizmo.new_field", "tools", "status"]
    values = ['"see www.me.example/x"', '"user-abc"', '"secret"', '{"auth":1}', '"gone"']
    name, author, *rest = profile.values(paths, values)
    assert name == '"see [link]"'
    assert msgspec.json.decode(author or "") == PSEUDONYM("author", "user-abc")
    assert rest == [None, None, '"gone"']
    assert fields("full") is None
    assert all(path in BY_PATH or path == "status" for path in known)


def test_what_is_replaced_in_values_of_changes_leaves_them_json() -> None:
    said = 'Hi\nexample.com\n@some_one\tme@example.com "x\\www.me.example'
    raw = msgspec.json.encode(said).decode()
    (name,) = Profile("public", PSEUDONYM).values(["gizmo.display.name"], [raw])
    assert msgspec.json.decode(name or "") == without_links(said)
    assert "some_one" not in (name or "")
    (name,) = Profile("research").values(["gizmo.display.name"], [raw])
    assert msgspec.json.decode(name or "") == without_mail(said)
    whole = '"C++ and Node.js\\n"'
    assert Profile("public", PSEUDONYM).values(["gizmo.display.name"], [whole]) == [whole]


@pytest.mark.parametrize(
    ("text", "public", "research"),
    [
        ("mail me@example.com now", "mail [mail] now", "mail [mail] now"),
        ("https://x.example/?a=1, yes", "[link] yes", "https://x.example/?a=1, yes"),
        ("see example.com/me.", "see [link]", "see example.com/me."),
        ("by @someone_else", "by [handle]", "by @someone_else"),
        ("call +49 170 1234567", "call [phone]", "call +49 170 1234567"),
        ("C++ and Node.js, e.g. 3.5", "C++ and Node.js, e.g. 3.5", "C++ and Node.js, e.g. 3.5"),
        ("a" * 50_000, "a" * 50_000, "a" * 50_000),
    ],
)
def test_links_and_addresses_in_texts_are_replaced(text: str, public: str, research: str) -> None:
    assert without_links(text) == public
    assert without_mail(text) == research


def test_the_key_of_pseudonyms_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    first = load_key(None, {}, tmp_path / "data")
    assert load_key(None, {}, tmp_path / "data") == first
    assert len(first) == 32
    path = tmp_path / "data" / "pseudonyms.key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_key("A_KEY", {"A_KEY": "x" * 20}, tmp_path) == b"x" * 20
