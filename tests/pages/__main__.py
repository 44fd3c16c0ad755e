"""``make docs``: write the pages that are made from the code."""

from __future__ import annotations

from pathlib import Path

from tests.pages.made import MADE

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Write them all."""
    for path, page in MADE.items():
        (ROOT / path).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
