"""Profiles: every column is named, and what is not named is out."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from sqlalchemy import BigInteger

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


def test_public_names_no_host_of_an_action_and_no_hash_of_a_text() -> None:
    """A host is often its owner's name; from a hash anybody finds the text who can guess it."""
    profile = Profile("public", PSEUDONYM)
    domain, element = profile.transform("tools", "domain"), profile.transform("tools", "element")
    starter = profile.transform("prompt_starters", "element")
    assert domain is not None
    assert element is not None
    assert starter is not None
    host = domain("jane-doe.example")
    assert host.startswith("domain-")
    assert element("plugins_prototype jane-doe.example") == f"plugins_prototype {host}"
    assert element("browser") == "browser"
    assert starter("00ff") == PSEUDONYM("starter", "00ff")
    paths = ["tools", "gizmo.display.prompt_starters", "gizmo.tags", "gizmo.display.name"]
    told = profile.elements(paths, ["plugins_prototype jane-doe.example", "00ff", "public", ""])
    assert told == [f"plugins_prototype {host}", PSEUDONYM("starter", "00ff"), "public", ""]
    assert Profile("research").elements(["tools"], ["browser x.example"]) == ["browser x.example"]
    assert "gizmo.short_url" not in (fields("public") or ())


@pytest.mark.parametrize(
    ("path", "hidden"),
    [
        ("gizmo.sharing.user-abcDEF12.role", ["user-abcDEF12"]),
        ("gizmo.shared_with.ada@mail.example:object", ["ada@mail.example"]),
        ("gizmo.by.5f2b9e01c4d74f2a9e01[]", ["5f2b9e01c4d74f2a9e01"]),
        ("gizmo.display.rating_1", []),
        ("product_features.attachments.accepted_mime_types[]:string", []),
    ],
)
def test_public_names_nobody_in_the_paths_of_unknown_members(path: str, hidden: list[str]) -> None:
    for table in ("drift", "unmapped_fields"):
        change = Profile("public", PSEUDONYM).transform(table, "path")
        assert change is not None
        told = change(path)
        assert (told == path) == (not hidden)
        assert not [each for each in hidden if each in told]


def test_the_order_of_authors_says_nothing_of_them() -> None:
    names = [f"user-{number:04}" for number in range(50)]
    told = Profile("public", PSEUDONYM).order(names)
    assert sorted(told) == names != told
    pseudonyms_ = [PSEUDONYM("author", name) for name in told]
    assert pseudonyms_ == sorted(pseudonyms_)
    assert Profile("full").order(told) == names


def test_column_that_is_named_like_a_moment_is_one() -> None:
    """Exports take it for one by its name, and so does pandas of those who load them."""
    texts = [
        f"{table.name}.{column.name}"
        for table in t.metadata.tables.values()
        for column in table.columns
        if column.name.endswith("_at") and not isinstance(column.type, BigInteger)
    ]
    assert texts == []
