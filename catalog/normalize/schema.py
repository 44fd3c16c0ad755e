"""What an action's ``raw_spec`` and ``json_schema`` say, as one canonical JSON text.

``raw_spec`` holds an OpenAPI document as JSON or YAML text; from 2024-02-13 on ``json_schema``
holds the same as an object. Compared parsed, the two were equal for each of the 57 actions that
the public archive shows before and after.

YAML is composed here, from PyYAML's events, and not by its loader: the texts come from strangers,
so nesting and what aliases expand to have limits, and only JSON types come out (a date stays the
text it is).
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, Final

import yaml

from catalog.errors import NormalizeError
from catalog.normalize.decode import decode, nests_within
from catalog.normalize.values import Canonical, canonical_json, canonical_text, unescape_html
from catalog.text import escape_text

_MAX_NESTING = 100
_MAX_YAML = 2**20
_MAX_CACHED = 2**16
_MAX_NUMBER = 100
_ROOM_FOR_ALIASES = 1_000_000

_TAG: Final = "tag:yaml.org,2002:"
_LOADER: Any = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
# Resolves and constructs single scalars; it never reads anything.
_SCALARS: Any = yaml.SafeLoader("")
_CONSTRUCTORS: Any = {
    f"{_TAG}null": _SCALARS.construct_yaml_null,
    f"{_TAG}bool": _SCALARS.construct_yaml_bool,
    f"{_TAG}int": _SCALARS.construct_yaml_int,
    f"{_TAG}float": _SCALARS.construct_yaml_float,
}


def schema_text(text: str) -> str:
    """The canonical JSON of the document that ``text`` writes in JSON or YAML.

    A text that writes neither an object nor a list is kept as a JSON string of itself.
    """
    return _cached(text) if len(text) <= _MAX_CACHED else _schema_text(text)


def schema_value(value: Any, depth: int) -> Canonical | None:
    """The canonical JSON of ``json_schema``; None where it is no schema.

    Raises:
        NormalizeError: it nests too deeply.
    """
    if type(value) is str:
        return Canonical(schema_text(value), 1, odd=False)
    if type(value) not in (dict, list):
        return None
    canonical = canonical_json(value, depth)
    return None if canonical.odd else canonical


def _schema_text(text: str) -> str:
    parsed = _parse(text)
    canonical = canonical_json(parsed) if parsed is not None else None
    if canonical is None and "&" in text:
        # Escaped YAML is none: `&gt;-` is an anchor. Unescaped here, so not once more inside.
        parsed = _parse(unescape_html(text))
        canonical = canonical_json(parsed, text=escape_text) if parsed is not None else None
    if canonical is None or canonical.odd:
        canonical = canonical_json(canonical_text(text), text=str)
    return canonical.text


_cached = lru_cache(maxsize=256)(_schema_text)


def _parse(text: str) -> Any:
    """The object or list that ``text`` writes, else None."""
    value: Any = None
    try:
        value = decode(text.encode("utf-8", "surrogatepass"))
    except NormalizeError:
        if len(text) <= _MAX_YAML:
            try:
                value = _Composer(text).compose()
            except (yaml.YAMLError, ValueError):
                return None
    if type(value) in (dict, list) and nests_within(value, _MAX_NESTING):
        return value
    return None


class _TooMuch(ValueError):
    """The text nests too deeply, or its aliases expand to too much."""


class _Node:
    """A list or mapping that is being composed."""

    __slots__ = ("anchor", "awaits_value", "key", "merged", "size", "value")

    def __init__(self, value: list[Any] | dict[str, Any], anchor: str | None) -> None:
        self.value = value
        self.anchor = anchor
        self.key: str | None = None
        self.awaits_value = False
        self.merged: list[dict[str, Any]] = []
        self.size = 1


class _Composer:
    """Makes the one value of a YAML text out of its events, without recursion.

    Args:
        text: the YAML.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._limit = 2 * len(text) + _ROOM_FOR_ALIASES
        self._documents: list[Any] = []
        self._open = [_Node(self._documents, None)]
        self._anchored: dict[str, tuple[Any, int]] = {}

    def compose(self) -> Any:
        """The value.

        Raises:
            yaml.YAMLError: the text is no YAML.
            ValueError: it holds what JSON cannot, or too much.
        """
        for event in yaml.parse(self._text, Loader=_LOADER):
            if isinstance(event, yaml.ScalarEvent):
                self._scalar(event)
            elif isinstance(event, yaml.AliasEvent):
                # Unknown inside itself, so a recursive alias ends here too.
                if event.anchor not in self._anchored:
                    raise ValueError("an alias without its anchor")
                self._put(*self._anchored[event.anchor])
            elif isinstance(event, yaml.MappingStartEvent):
                self._begin(_Node({}, event.anchor))
            elif isinstance(event, yaml.SequenceStartEvent):
                self._begin(_Node([], event.anchor))
            elif isinstance(event, yaml.CollectionEndEvent):
                self._end()
        if len(self._documents) != 1:
            raise ValueError("not one document")
        return self._documents[0]

    def _begin(self, node: _Node) -> None:
        if len(self._open) > _MAX_NESTING:
            raise _TooMuch
        self._open.append(node)

    def _end(self) -> None:
        node = self._open.pop()
        value = node.value
        if isinstance(value, dict) and node.merged:
            for merged in node.merged:
                for key, inherited in merged.items():
                    value.setdefault(key, inherited)
        if node.anchor:
            self._anchored[node.anchor] = (value, node.size)
        self._put(value, node.size)

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        node = self._open[-1]
        plain = bool(event.implicit[0])
        size = 1 + len(event.value)
        is_key = isinstance(node.value, dict) and not node.awaits_value
        if is_key and plain and event.value == "<<":
            node.key, node.awaits_value = None, True
            return
        value = _scalar(event.value, event.tag, plain=plain)
        if event.anchor:
            self._anchored[event.anchor] = (value, size)
        self._put(value, size)

    def _put(self, value: Any, size: int) -> None:
        node = self._open[-1]
        node.size += size
        if node.size > self._limit:
            raise _TooMuch
        holder = node.value
        if isinstance(holder, list):
            holder.append(value)
        elif not node.awaits_value:
            node.key, node.awaits_value = _key(value), True
        else:
            node.awaits_value = False
            if node.key is None:
                node.merged += _mappings(value)
            else:
                holder[node.key] = value


def _mappings(value: Any) -> list[dict[str, Any]]:
    """The mappings that a merge key (``<<``) names, the strongest first."""
    mappings = value if isinstance(value, list) else [value]
    if not all(isinstance(mapping, dict) for mapping in mappings):
        raise ValueError("a merge key names no mapping")
    return mappings


def _key(value: Any) -> str:
    """A mapping's key as JSON has it: ``200:`` is ``"200"``."""
    if type(value) in (list, dict):
        raise ValueError("a key that is no scalar")
    return value if type(value) is str else canonical_json(value).text


def _scalar(text: str, tag: str | None, *, plain: bool) -> Any:
    """The JSON value of a YAML scalar; the text where JSON has none for it."""
    if not tag:
        tag = _SCALARS.resolve(yaml.ScalarNode, text, (plain, not plain))
    construct = _CONSTRUCTORS.get(tag)
    # Base 60 of a long text takes quadratic time, and no number is that long.
    if construct is None or len(text) > _MAX_NUMBER:
        return text
    try:
        value = construct(yaml.ScalarNode(tag, text))
    except (ValueError, KeyError, IndexError):
        # An explicit tag on what is none: `!!int x`.
        return text
    return text if type(value) is float and not math.isfinite(value) else value
