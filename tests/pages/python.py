"""``docs/python-reference.md``: the Python API, from its signatures and docstrings."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

import msgspec

import catalog
from catalog.errors import CatalogError

_HEAD = """\
# Python reference

Made from the docstrings by `make docs`; do not edit. [From Python](python.md) shows how it is used,
[errors](errors.md) what may be raised.

All of it is `from catalog import …`. Moments are times as ISO text, dates, datetimes, or
microseconds since 1970; what comes back are frozen records.
"""
_SECTIONS = ("Args", "Returns", "Raises", "Yields", "Attributes")


def python_page() -> str:
    """``docs/python-reference.md``: each exported class with its methods."""
    lines = [_HEAD]
    for name in catalog.__all__:
        exported = getattr(catalog, name)
        if inspect.isclass(exported) and exported is not CatalogError:
            lines += _of_class(name, exported)
    return "\n".join(lines).rstrip() + "\n"


def _of_class(name: str, cls: type[Any]) -> list[str]:
    bases = [base.__name__ for base in cls.__bases__ if base.__name__ in catalog.__all__]
    lines = [f"## `{name}`", ""]
    if bases:
        lines += [f"Has all that [`{bases[0]}`](#{bases[0].lower()}) has, and:", ""]
    lines += _said(cls)
    if issubclass(cls, msgspec.Struct):
        return lines
    for member, found in _methods(cls):
        lines += [
            f"### `{name}.{member}`",
            "",
            "```python",
            f"{member}{_signature(found)}",
            "```",
            "",
        ]
        lines += _said(found)
    return lines


def _methods(cls: type[Any]) -> Iterator[tuple[str, Any]]:
    """The public methods that a class itself declares, in its order."""
    for name, member in vars(cls).items():
        if not name.startswith("_") and (
            inspect.isfunction(member) or isinstance(member, classmethod | staticmethod)
        ):
            yield name, getattr(cls, name)


def _signature(found: Any) -> str:
    """A signature over several lines where it is long, without ``self``."""
    signature = inspect.signature(found)
    parts = []
    keyword = False
    for parameter in signature.parameters.values():
        if parameter.name == "self":
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and not keyword:
            parts.append("*")
            keyword = True
        parts.append(str(parameter).replace("'", ""))
    gives = signature.return_annotation
    end = "" if gives in {signature.empty, "None"} else f" -> {gives}"
    short = f"({', '.join(parts)}){end}"
    if len(short) <= 60:
        return short
    return "(\n" + "".join(f"    {part},\n" for part in parts) + f"){end}"


def _said(thing: Any) -> list[str]:
    """A Google-style docstring as Markdown: prose, then a list a section."""
    lines: list[str] = []
    section = ""
    item = ""
    for line in [*inspect.cleandoc(thing.__doc__ or "").splitlines(), "-:"]:
        heading = line.rstrip(":") if line.endswith(":") else ""
        begins = re.match(r"^ {4}(\S+?): (.*)$", line) if section else None
        if item and (begins or not line.startswith(" ")):
            lines.append(item)
            item = ""
        if line == "-:":
            break
        if heading in _SECTIONS:
            section = heading
            lines += [f"*{heading}*", ""]
        elif begins:
            item = f"- `{begins[1]}`: {_text(begins[2])}"
        elif item and line.startswith(" "):
            item += " " + _text(line.strip())
        else:
            lines.append(_text(line.strip() if section else line))
    return [*lines, ""]


def _text(words: str) -> str:
    """Marks of reStructuredText as Markdown has them."""
    words = re.sub(r":\w+:`~?(?:[\w.]+\.)?([\w]+)`", r"`\1`", words)
    return words.replace("``", "`")


PAGES = {"docs/python-reference.md": python_page}
"""The pages that are made, and by what."""
