"""The texts of a GPT that search looks at, by how much a hit in them counts."""

from __future__ import annotations

import msgspec


class Texts(msgspec.Struct, frozen=True, kw_only=True):
    """What is searched of one GPT. Each text is searched by itself: no phrase spans two.

    Attributes:
        name: its name, empty where it has none.
        labels: the author's display name, categories, tool types and domains of actions.
        description: its description, empty where it has none.
        starters: its prompt starters.
    """

    name: str = ""
    labels: tuple[str, ...] = ()
    description: str = ""
    starters: tuple[str, ...] = ()
