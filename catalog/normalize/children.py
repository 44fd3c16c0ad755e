"""The elements of a document's lists: their keys and what each states (design, section 5).

The order of a list decides nothing but ``position``: equal keys are one row, and where the
elements behind it differ, the smallest by its canonical JSON stands for them.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Final

from catalog.fields import EMPTY_ONLY, OPEN_ENDED
from catalog.normalize.schema import schema_text, schema_value
from catalog.normalize.shape import (
    Elements,
    Empty,
    Json,
    Member,
    Scalar,
    Shape,
    Tally,
    bounded,
    build_shape,
)
from catalog.normalize.values import (
    canonical_json,
    canonical_text,
    digest,
    read_boolean,
    read_integer,
    read_list,
    read_lower,
    read_text,
)
from catalog.records import Row

ACTION: Final = "plugins_prototype"
"""The type of tools that are actions: calls to somebody's API."""

_RAW_SPEC = "raw_spec"
_MAX_MIME_TYPE = 255
_MAX_CACHED_SET = 500


class Schema(Member):
    """``raw_spec`` or ``json_schema`` of an action: two places of one column."""

    __slots__ = ("column",)

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.column = path.rpartition(".")[2]

    def take(self, value: Any, row: Row, tally: Tally, depth: int) -> None:
        """Write the schema's canonical JSON."""
        if value is None:
            row[self.column] = None
        elif self.column == _RAW_SPEC and type(value) is str:
            row[_RAW_SPEC] = schema_text(value)
            tally.leaves += 1
        elif self.column != _RAW_SPEC and (schema := schema_value(value, depth)) is not None:
            row[self.column] = schema.text
            tally.leaves += schema.leaves
        else:
            tally.unreadable(self.path, value, depth)


class MimeSet(Member):
    """A list of MIME types that is a set; its column holds the set's digest."""

    __slots__ = ("column",)

    def __init__(self, path: str, column: str) -> None:
        super().__init__(path)
        self.column = column

    def take(self, value: Any, row: Row, tally: Tally, depth: int) -> None:
        """Write the digest, and the members into the tally."""
        if value is None:
            row[self.column] = None
            return
        items = read_list(value)
        if not isinstance(items, list) or not all(
            type(item) is str and len(item) <= _MAX_MIME_TYPE for item in items
        ):
            tally.unreadable(self.path, value, depth)
            return
        sent = frozenset(items)
        name, members = _mime_set(sent) if len(sent) <= _MAX_CACHED_SET else _make_mime_set(sent)
        row[self.column] = name
        tally.mime_sets[name] = members
        tally.leaves += len(items)


def _make_mime_set(sent: frozenset[str]) -> tuple[str, tuple[str, ...]]:
    members = tuple(sorted({canonical_text(item).lower() for item in sent}))
    # Of the JSON, not of joined lines: [] is not [""], and a stranger may send a line break.
    return digest(canonical_json(list(members), text=str).text), members


# A handful of sets repeat over nearly all GPTs.
_mime_set = lru_cache(maxsize=1024)(_make_mime_set)


def _empty(base: str) -> Iterable[Member]:
    return (Empty(path) for path in EMPTY_ONLY if path.startswith(f"{base}."))


def _json(path: str, column: str) -> Json:
    return Json(path, column, drifts=path not in OPEN_ENDED)


_TOOL = build_shape(
    "tools[]",
    (
        Scalar("tools[].id", "tool_id", read_text),
        Scalar("tools[].type", "type", read_lower),
        Scalar("tools[].metadata.action_id", "action_id", read_text),
        Scalar("tools[].metadata.domain", "domain", read_text),
        Scalar("tools[].metadata.privacy_policy_url", "privacy_policy_url", read_text),
        Schema("tools[].metadata.raw_spec"),
        Schema("tools[].metadata.json_schema"),
        _json("tools[].metadata.auth", "auth"),
        *_empty("tools[]"),
    ),
)
_FILE = build_shape(
    "files[]",
    (
        Scalar("files[].id", "file_ref", read_text),
        Scalar("files[].file_id", "file_id", read_text),
        Scalar("files[].name", "name", read_text),
        Scalar("files[].type", "type", read_lower),
        Scalar("files[].size", "size", read_integer),
        Scalar("files[].location", "location", read_text),
        Scalar("files[].file_size_tokens", "file_size_tokens", read_integer),
        Scalar("files[].file_response_type", "file_response_type", read_text),
        *_empty("files[]"),
    ),
)
_SOCIALS = "gizmo.author.display_socials[]"
_SOCIAL = build_shape(
    _SOCIALS,
    (
        Scalar(f"{_SOCIALS}.id", "social_id", read_text),
        Scalar(f"{_SOCIALS}.type", "type", read_lower),
        Scalar(f"{_SOCIALS}.display_name", "display_name", read_text),
        Scalar(f"{_SOCIALS}.verified", "verified", read_boolean),
        _json(f"{_SOCIALS}.verified_data", "verified_data"),
    ),
)


def tools(items: list[Any], tally: Tally, depth: int) -> Elements | None:
    """Tools by type; actions by type and domain, and by schema where those are equal."""
    pairs = _objects(_TOOL, items, tally, depth)
    groups: dict[str, dict[str | None, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for item, row in pairs or ():
        if row.get("type") is None:
            # Nothing names it. A type that is no text was reported where it was read.
            if item.get("type") is None:
                tally.paths.add("tools[]:object")
                tally.keep("tools[]:object", item, depth)
            pairs = None
            continue
        raw_spec = row.pop(_RAW_SPEC, "")
        if raw_spec and row.get("json_schema") is None:
            row["json_schema"] = raw_spec
        elif raw_spec is None:
            row.setdefault("json_schema", None)
        groups[_tool_key(row)][row.get("json_schema")].append(row)
    if pairs is None:
        return None
    elements: Elements = {}
    for key, schemas in groups.items():
        for schema, equal in schemas.items():
            whole = key if len(schemas) == 1 else f"{key} {digest(schema or '')}"
            elements[bounded(whole)] = _smallest(equal) | {"element_count": len(equal)}
    return elements


def files(items: list[Any], tally: Tally, depth: int) -> Elements | None:
    """Files by the id behind the configuration's, else by type and an ordinal."""
    pairs = _objects(_FILE, items, tally, depth)
    if pairs is None:
        return None
    groups: dict[str, list[Row]] = defaultdict(list)
    nameless: dict[str, list[Row]] = defaultdict(list)
    for _, row in pairs:
        key = (row.get("file_ref") or "").rpartition("~")[2]
        if key:
            groups[bounded(key)].append(row)
        else:
            nameless[row.get("type") or ""].append(row)
    elements = {key: _smallest(rows) for key, rows in groups.items()}
    for type_, rows in nameless.items():
        for ordinal, row in enumerate(sorted(rows, key=_order)):
            elements[bounded(f"{type_}#{ordinal}")] = row
    return elements


def prompt_starters(items: list[Any], tally: Tally, depth: int) -> Elements | None:
    """Starters by the SHA-256 of their text, at the first place where they stand."""
    texts = _texts("gizmo.display.prompt_starters[]", items, tally, depth)
    if texts is None:
        return None
    elements: Elements = {}
    for position, text in enumerate(texts):
        key = hashlib.sha256(text.encode()).hexdigest()
        row = elements.setdefault(key, {"text": text, "position": position, "element_count": 0})
        row["element_count"] += 1
    return elements


def categories(items: list[Any], tally: Tally, depth: int) -> Elements | None:
    """Categories in lower case: ``Other`` beside ``other`` is one."""
    texts = _texts("gizmo.display.categories[]", items, tally, depth)
    if texts is None:
        return None
    return {bounded(text.lower()): {"category": text.lower()} for text in texts}


def tags(items: list[Any], tally: Tally, depth: int) -> Elements | None:
    """Tags by themselves."""
    texts = _texts("gizmo.tags[]", items, tally, depth)
    return None if texts is None else {bounded(text): {"tag": text} for text in texts}


def author_socials(items: list[Any], tally: Tally, depth: int) -> Elements | None:
    """Accounts by type and what names the account, else by the id sent."""
    pairs = _objects(_SOCIAL, items, tally, depth)
    if pairs is None:
        return None
    groups: dict[str, list[Row]] = defaultdict(list)
    for item, row in pairs:
        account = _account(item.get("verified_data")) or row.get("social_id") or ""
        groups[bounded(f"{row.get('type') or ''} {account}")].append(row)
    return {key: _smallest(rows) for key, rows in groups.items()}


BUILDERS: Final[dict[str, Callable[[list[Any], Tally, int], Elements | None]]] = {
    "tools": tools,
    "files": files,
    "prompt_starters": prompt_starters,
    "categories": categories,
    "tags": tags,
    "author_socials": author_socials,
}
"""What makes the elements of each table."""


def _objects(
    shape: Shape, items: list[Any], tally: Tally, depth: int
) -> list[tuple[dict[str, Any], Row]] | None:
    """Each element with what it states; None where one is no object."""
    pairs: list[tuple[dict[str, Any], Row]] | None = []
    for item in items:
        if type(item) is not dict:
            tally.unreadable(shape.path, item, depth)
            pairs = None
            continue
        tally.paths.add(shape.path)
        row: Row = {}
        shape.fill(item, row, tally, depth)
        if pairs is not None:
            pairs.append((item, row))
    return pairs


def _texts(path: str, items: list[Any], tally: Tally, depth: int) -> list[str] | None:
    """The elements as canonical texts; None where one is no text."""
    texts: list[str] | None = []
    for item in items:
        if type(item) is not str:
            tally.unreadable(path, item, depth)
            texts = None
            continue
        tally.leaves += 1
        if texts is not None:
            texts.append(canonical_text(item))
    return texts


def _tool_key(row: Row) -> str:
    type_, domain = str(row["type"]), row.get("domain")
    return f"{type_} {domain.lower()}" if type_ == ACTION and domain else type_


def _account(verified: Any) -> str:
    """What names an account: its id, which stays when it is renamed, else its link or name."""
    if type(verified) is not dict:
        return ""
    for name in ("id", "link_to", "username"):
        value = verified.get(name)
        if type(value) is int or (type(value) is str and value):
            return canonical_text(str(value))
    return ""


def _smallest(rows: list[Row]) -> Row:
    return rows[0] if len(rows) == 1 else min(rows, key=_order)


def _order(row: Row) -> str:
    # Rows hold canonical text already: str leaves it as it is.
    return canonical_json(row, text=str).text
