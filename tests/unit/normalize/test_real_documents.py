"""Real documents normalise, and nothing in them is left without a place unnoticed."""

from __future__ import annotations

import gzip
import html
import json
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from catalog.errors import NormalizeError
from catalog.normalize import normalize
from catalog.records import Document
from catalog.times import from_iso
from tests.unit.normalize.documents import read

GIZMOS = ("gizmo", "info.gizmo", "resource.gizmo", "data.gizmo", "detail.data.gizmo", "")
ESCAPED_UNTIL = from_iso("2024-02-05T00:00:00Z")

ALLOWED: dict[str, str] = {}
"""Paths that real documents leave unmapped, with the reason. There is none."""


def step(value: Any, wrapping: str) -> Any:
    """What lies at ``wrapping`` in ``value``, if anything."""
    for name in filter(None, wrapping.split(".")):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def wrapping_of(value: Any) -> str | None:
    """How ``value`` wraps a gizmo object of its own, if it does."""
    for wrapping in GIZMOS:
        gizmo = step(value, wrapping)
        if isinstance(gizmo, dict) and "short_url" in gizmo and "author" in gizmo and gizmo["id"]:
            return wrapping
    return None


def found(value: Any) -> Iterator[tuple[Any, str]]:
    """Every document inside ``value``, with its wrapping."""
    wrapping = wrapping_of(value)
    if wrapping is not None:
        yield value, wrapping
    elif isinstance(value, dict) and "welcome_message" in value and "tools" in value:
        yield value, "flat"
    elif isinstance(value, dict | list):
        for member in value.values() if isinstance(value, dict) else value:
            yield from found(member)


def values(path: Path) -> Iterator[Any]:
    """The JSON values of a file: one a line, or one."""
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode()
    if ".jsonl" in path.name:
        yield from map(json.loads, text.splitlines())
    elif ".json" in path.name:
        yield json.loads(text)


@cache
def history(shared: Path) -> tuple[tuple[int, dict[str, Any], Document], ...]:
    [path] = (shared / "history").glob("*.jsonl.gz")
    return tuple(
        (from_iso(line["observed_at"]), line["gpt"], read(line["gpt"])) for line in values(path)
    )


@cache
def examples(shared: Path) -> tuple[tuple[str, Any, str], ...]:
    return tuple(
        (path.name, document, wrapping)
        for path in sorted((shared / "examples").glob("*.json*"))
        for value in values(path)
        for document, wrapping in found(value)
    )


def test_every_document_of_the_history_has_a_place_for_everything(shared: Path) -> None:
    documents = [document for _, _, document in history(shared)]
    assert len(documents) == 3636
    assert {entry.path for document in documents for entry in document.unmapped} <= set(ALLOWED)
    assert len({document.gizmo_id for document in documents}) == 291


def test_every_document_of_the_examples_has_a_place_for_everything(shared: Path) -> None:
    left: dict[str, set[str]] = defaultdict(set)
    for name, document, wrapping in examples(shared):
        for entry in read(document, wrapping).unmapped:
            left[entry.path].add(name)
    assert left.keys() <= ALLOWED.keys(), left
    assert len(examples(shared)) > 800


def test_the_examples_show_every_wrapping_that_is_tested(shared: Path) -> None:
    seen = {wrapping for _, _, wrapping in examples(shared)}
    assert seen >= {"gizmo", "info.gizmo", "resource.gizmo", "data.gizmo", "", "flat"}


def test_real_documents_state_what_their_own_text_says(shared: Path) -> None:
    for _, sent, document in history(shared):
        gizmo = sent["gizmo"]
        assert document.gizmo_id == gizmo["id"]
        assert document.scalars["name"] == html.unescape(gizmo["display"]["name"])
        assert document.updated_at == from_iso(gizmo["updated_at"])
        assert document.scalars.keys() >= {"short_url", "user_id", "picture", "created_at"}
        picture = gizmo["display"]["profile_picture_url"]
        assert (document.scalars["picture"] is None) == (picture is None)
        [starters, tools] = (document.lists[table] for table in ("prompt_starters", "tools"))
        assert (starters is None) == (gizmo["display"]["prompt_starters"] is None)
        assert sum(row["element_count"] for row in (tools or {}).values()) == len(sent["tools"])


def test_a_document_escaped_as_in_january_is_the_plain_one(shared: Path) -> None:
    compared = 0
    for observed_at, sent, document in history(shared):
        if observed_at >= ESCAPED_UNTIL and "&amp;" not in json.dumps(sent):
            assert read(escape_strings(sent)) == document
            compared += 1
    assert compared > 2000


def escape_strings(value: Any) -> Any:
    """``value`` with its strings escaped as the archive's were in January 2024."""
    if isinstance(value, str):
        return html.escape(value, quote=False)
    if isinstance(value, list):
        return [escape_strings(item) for item in value]
    if isinstance(value, dict):
        return {key: escape_strings(item) for key, item in value.items()}
    return value


@pytest.mark.parametrize(
    "column", ["picture", "name", "description", "welcome_message", "short_url", "user_id"]
)
def test_the_end_of_escaping_is_no_change(shared: Path, column: str) -> None:
    """Each GPT's last escaped document and its first plain one agree, but for real edits."""
    last: dict[str, Document] = {}
    same = differ = 0
    for observed_at, _, document in history(shared):
        if observed_at < ESCAPED_UNTIL:
            last[document.gizmo_id] = document
        elif (before := last.pop(document.gizmo_id, None)) and column in document.scalars:
            if before.scalars[column] == document.scalars[column]:
                same += 1
            else:
                differ += 1
    assert same > 100
    assert differ < same / 10


def test_raw_specs_turn_into_schemas_without_a_change(shared: Path) -> None:
    """On 2024-02-13 the API turned ``raw_spec`` text into ``json_schema`` objects."""
    last_raw: dict[Any, str] = {}
    first_parsed: dict[Any, str] = {}
    for _, sent, document in history(shared):
        raw = {
            tool["metadata"]["action_id"]: tool["metadata"]["raw_spec"]
            for tool in sent["tools"]
            if tool["metadata"]
        }
        for row in (document.lists["tools"] or {}).values():
            place = (document.gizmo_id, row.get("action_id"))
            if raw.get(row.get("action_id")):
                last_raw[place] = row["json_schema"]
            elif row.get("json_schema"):
                first_parsed.setdefault(place, row["json_schema"])
    both = last_raw.keys() & first_parsed.keys()
    assert len(both) >= 50
    assert [place for place in both if last_raw[place] != first_parsed[place]] == []


def test_projects_and_error_bodies_are_no_documents(shared: Path) -> None:
    project = (shared / "examples" / "chatgpt-project-snorlax-2025-11.json").read_bytes()
    for wrapping in ("gizmo", "gizmo.gizmo", ""):
        with pytest.raises(NormalizeError):
            normalize(project, wrapping)
    for path in (shared / "examples").glob("error-*.json"):
        with pytest.raises(NormalizeError):
            normalize(path.read_bytes(), "gizmo")
