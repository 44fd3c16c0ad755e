"""``docs/architecture.svg``: which part imports which, from the imports themselves.

A matrix: a row for who imports, a column for what is imported, both in such an order that all
imports point down: all marks lie on one side of the diagonal, and would not if there were a circle.
Boxes and arrows were tried, and nobody could follow them: there are two hundred imports.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parents[2]
_JOBS = "jobs"
_HIDDEN = {"__main__"}
"""It only starts the command line."""
_CELL, _NAMES, _HEAD, _EDGE = 20, 96, 84, 12
"""Sizes in pixels: a cell, the room for the names beside and above, the margin."""
_INK, _PALE, _LINE, _TEXT = "#3f51b5", "#eef2fb", "#c5cbe0", "#1a237e"


def layers() -> list[list[str]]:
    """The layers from top to bottom, each with its parts."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = (
        each for each in project["tool"]["importlinter"]["contracts"] if each["type"] == "layers"
    )
    found = [
        [part for part in layer.replace("|", " ").replace(":", " ").split() if part not in _HIDDEN]
        for layer in contract["layers"]
    ]
    found = [layer for layer in found if layer]
    # The jobs stand beside the package; the command line alone knows them.
    return [found[0], [_JOBS], *found[1:]]


def imports() -> Mapping[str, frozenset[str]]:
    """What each part imports of the others, directly."""
    graph = grimp.build_graph("catalog", _JOBS, cache_dir=None)
    parts = {
        name.removeprefix("catalog."): name
        for name in sorted({*graph.find_children("catalog"), _JOBS})
    }
    return {
        part: frozenset(
            other
            for other, imported in parts.items()
            if other != part
            and graph.direct_import_exists(importer=name, imported=imported, as_packages=True)
        )
        for part, name in parts.items()
        if part not in _HIDDEN
    }


def picture() -> str:
    """The picture as SVG, the same for the same imports."""
    below = imports()
    # Parts of one depth stand as in the layers.
    order = [part for layer in layers() for part in layer]
    order.sort(key=lambda part: -_depth(below, part))
    side = len(order) * _CELL
    width, height = _EDGE * 2 + _NAMES + side, _EDGE * 2 + _HEAD + side
    lines = [
        *_open(width, height),
        *_cells(order, below),
        *_names(order),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _open(width: int, height: int) -> Iterator[str]:
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}"'
        f' height="{height}" role="img" font-family="sans-serif" font-size="12">'
    )
    yield "<title>Which part of the program imports which: a row imports what is marked</title>"
    yield f'<rect width="{width}" height="{height}" fill="#ffffff"/>'


def _depth(below: Mapping[str, frozenset[str]], part: str) -> int:
    """How long the longest chain of imports is that begins here."""
    return max((1 + _depth(below, other) for other in sorted(below[part])), default=0)


def _cells(order: list[str], below: Mapping[str, frozenset[str]]) -> Iterator[str]:
    left, top, side = _EDGE + _NAMES, _EDGE + _HEAD, len(order) * _CELL
    yield f'<rect x="{left}" y="{top}" width="{side}" height="{side}" fill="{_PALE}"/>'
    lines = "".join(
        f"M{left} {top + place}h{side}M{left + place} {top}v{side}"
        for place in range(0, side + 1, _CELL)
    )
    yield f'<path d="{lines}" stroke="#ffffff" stroke-width="2"/>'
    for row, part in enumerate(order):
        for column, other in enumerate(order):
            if part == other or other in below[part]:
                title = f"<title>{escape(part)} imports {escape(other)}</title>"
                yield (
                    f'<rect x="{left + column * _CELL + 1}" y="{top + row * _CELL + 1}"'
                    f' width="{_CELL - 2}" height="{_CELL - 2}" rx="3"'
                    f' fill="{_LINE if part == other else _INK}">'
                    f"{'' if part == other else title}</rect>"
                )


def _names(order: list[str]) -> Iterator[str]:
    for number, part in enumerate(order):
        x, y = _EDGE + _NAMES - 6, _EDGE + _HEAD + number * _CELL + 14
        yield f'<text x="{x}" y="{y}" text-anchor="end" fill="{_TEXT}">{escape(part)}</text>'
        x, y = _EDGE + _NAMES + number * _CELL + 14, _EDGE + _HEAD - 6
        yield (
            f'<text x="{x}" y="{y}" transform="rotate(-90 {x} {y})" fill="{_TEXT}">'
            f"{escape(part)}</text>"
        )


PAGES = {"docs/architecture.svg": picture}
"""The pages that are made, and by what."""
