"""The queries that ship: SQL over the views, each with its purpose, columns and parameters.

One file a query, ``named/NAME.sql``; the comment at its head says the rest. They run on both
engines as they stand.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import msgspec

from catalog.errors import UsageError
from catalog.query.console import Parameter
from catalog.settings.wording import nearest

_SUFFIX = ".sql"
_HEAD = re.compile(r"--( ?)(.*)")
_MEMBER = re.compile(r"  (\w+)(?: = (\S+))?: (.+)")
_PARTS = ("title", "purpose", "columns", "parameters", "reading")


class QueryParameter(msgspec.Struct, frozen=True, kw_only=True):
    """A value that a named query can be given.

    Attributes:
        default: what holds where none is given.
        comment: what it says.
    """

    default: Parameter
    comment: str


class NamedQuery(msgspec.Struct, frozen=True, kw_only=True):
    """A query that ships.

    Attributes:
        name: what it is called by.
        title: a line on what it shows.
        purpose: what one wants it for.
        columns: what each column says, by name, in their order.
        reading: how to read it.
        parameters: by name.
        sql: the statement, its head left out.
    """

    name: str
    title: str
    purpose: str
    columns: dict[str, str]
    reading: str
    parameters: dict[str, QueryParameter]
    sql: str

    def values(self, given: Mapping[str, str]) -> dict[str, Parameter]:
        """The values of all parameters.

        Args:
            given: as typed, by name.

        Raises:
            UsageError: there is no such parameter, or a value is of another kind.
        """
        found: dict[str, Parameter] = {
            name: parameter.default for name, parameter in self.parameters.items()
        }
        for name, text in given.items():
            if name not in found:
                known = ", ".join(found) or "none"
                near = nearest(name, found)
                hint = f"did you mean {near}?" if near else f"its parameters are: {known}"
                raise UsageError(f"--param {name}: {self.name} has no such parameter; {hint}")
            found[name] = _like(found[name], text, name)
        return found


@cache
def named_queries() -> dict[str, NamedQuery]:
    """All named queries, by name in order."""
    folder = files("catalog.query") / "named"
    found = {
        entry.name.removesuffix(_SUFFIX): entry.read_text(encoding="utf-8")
        for entry in folder.iterdir()
        if entry.name.endswith(_SUFFIX)
    }
    return {name: parse_named(name, found[name]) for name in sorted(found)}


def named_query(name: str) -> NamedQuery:
    """The query called ``name``.

    Raises:
        UsageError: there is none.
    """
    known = named_queries()
    if name not in known:
        near = nearest(name, known)
        hint = f"did you mean {near}?" if near else "gpts-catalog sql --list shows them"
        raise UsageError(f"there is no named query {name!r}: {hint}")
    return known[name]


def parse_named(name: str, text: str) -> NamedQuery:
    """Read the file of a query.

    Args:
        name: what it is called by.
        text: the file's.

    Raises:
        ValueError: its head is not as it has to be.
    """
    parts: dict[str, list[str]] = {}
    part = ""
    lines = text.splitlines()
    body = next((at for at, line in enumerate(lines) if not line.startswith("--")), len(lines))
    for line in lines[:body]:
        head = _HEAD.fullmatch(line)
        said = "" if head is None else head[2]
        if not said.startswith(" "):
            part, colon, said = said.partition(":")
            if part not in _PARTS or not colon or part in parts:
                raise ValueError(f"{name}: {line!r} begins none of {', '.join(_PARTS)}")
            parts[part] = []
        if said.strip():
            parts[part].append(said)
    missing = {"title", "purpose", "columns", "reading"} - parts.keys()
    if missing:
        raise ValueError(f"{name}: its head does not say {', '.join(sorted(missing))}")
    return NamedQuery(
        name=name,
        title=_joined(parts["title"]),
        purpose=_joined(parts["purpose"]),
        columns={key: comment for key, _, comment in _members(name, parts["columns"])},
        reading=_joined(parts["reading"]),
        parameters={
            key: QueryParameter(default=_read(default), comment=comment)
            for key, default, comment in _members(name, parts.get("parameters", []))
        },
        sql="\n".join(lines[body:]).strip() + "\n",
    )


def _joined(lines: list[str]) -> str:
    return " ".join(line.strip() for line in lines)


def _members(name: str, lines: list[str]) -> list[tuple[str, str, str]]:
    found = []
    for line in lines:
        member = _MEMBER.fullmatch(line)
        if member is None:
            raise ValueError(f"{name}: {line!r} is no 'name: what it says'")
        found.append((member[1], member[2] or "", member[3]))
    return found


def _read(text: str) -> Parameter:
    """A default as the kind that it looks like."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _like(default: Parameter, text: str, name: str) -> Parameter:
    """``text`` as a value of the kind of ``default``."""
    if isinstance(default, str):
        return text
    found = _read(text)
    if isinstance(found, str) or (isinstance(default, int) and not isinstance(found, int)):
        wanted = "a whole number" if isinstance(default, int) else "a number"
        raise UsageError(f"--param {name}={text}: expected {wanted}, as {default}")
    return found
