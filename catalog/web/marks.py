"""Drawn placeholders for profile pictures: the same for a GPT always, and from no network.

Each is a quilt of four tiles, every tile one of a few shapes, turned; the id's digest says which,
and which of the style sheet's hues. Pure.
"""

from __future__ import annotations

import hashlib

from markupsafe import Markup

HUES = 12
"""How many hues the style sheet has."""
_TILES = (
    # Drawn in a square of 20; turned about its middle.
    "M0 0h20a20 20 0 0 1-20 20z",
    "M0 0h20L0 20z",
    "M0 0h20a10 10 0 0 1-20 0z",
    "M10 0 20 10 10 20 0 10z",
    "M10 2a8 8 0 1 1 0 16 8 8 0 0 1 0-16z",
    "M0 0h20v10H0z",
)
_PLACES = ((0, 0), (20, 0), (0, 20), (20, 20))


def mark(name: str) -> Markup:
    """A drawing that stands for what ``name`` names.

    Args:
        name: an id.
    """
    digest = hashlib.sha256(name.encode("utf-8", "replace")).digest()
    tiles = []
    for place, (x, y) in enumerate(_PLACES):
        shape, turn = digest[place] % len(_TILES), digest[place + 4] % 4
        turned = f" rotate({turn * 90} 10 10)" if turn else ""
        tone = " class=b" if digest[place + 8] % 2 else ""
        tiles.append(f'<path{tone} transform="translate({x} {y}){turned}" d="{_TILES[shape]}"/>')
    # Nothing of the name itself is in it: digits and constants alone.
    return Markup(  # noqa: S704
        f'<svg class="mark h{digest[12] % HUES}" viewBox="0 0 40 40" aria-hidden="true">'
        f"{''.join(tiles)}</svg>"
    )
