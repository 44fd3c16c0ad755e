"""Writes the descriptions of an export beside its tables.

They are made of what the release says alone: the same release gives the same bytes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from catalog.export.card import card
from catalog.export.croissant import croissant
from catalog.export.datapackage import data_package
from catalog.export.pictures import pictures
from catalog.export.release import Release
from catalog.query.covered import Trends
from catalog.settings import ExportSettings

DATA_PACKAGE = "datapackage.json"
CROISSANT = "croissant.json"
CARD = "README.md"
PICTURES = "pictures"
SHOWN = {
    "growth.svg": "How the number of GPTs grew",
    "categories.svg": "How many GPTs each category has",
    "tools.svg": "Which tools GPTs had, month by month",
    "freshness.svg": "How long ago the documents of listed GPTs were last seen",
}
"""What each picture shows."""


def describe(
    release: Release,
    folder: Path,
    *,
    trends: Trends | None = None,
    about: ExportSettings | None = None,
    safe_cells: bool = False,
) -> tuple[Path, ...]:
    """Write ``datapackage.json``, ``croissant.json``, ``README.md`` and ``pictures/*.svg``.

    Args:
        release: what the export is, its files counted.
        folder: the export's folder, in which nothing of that is yet.
        trends: what the pictures show; None: there are none.
        about: what the dataset is called, and whose it is; None: as the settings have it by
            themselves.
        safe_cells: whether texts of CSV were kept from being formulas.

    Returns:
        What was written, sorted by path.
    """
    about = about or ExportSettings()
    drawn = {} if trends is None else pictures(trends)
    texts = {f"{PICTURES}/{name}": text for name, text in drawn.items()}
    texts[CARD] = card(
        release,
        about,
        {f"{PICTURES}/{name}": SHOWN[name] for name in SHOWN if name in drawn},
        safe_cells=safe_cells,
    )
    texts[DATA_PACKAGE] = _json(data_package(release, about))
    texts[CROISSANT] = _json(croissant(release, about))
    return tuple(_write(folder / path, texts[path]) for path in sorted(texts))


def _json(value: dict[str, Any]) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n"


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
    return path
