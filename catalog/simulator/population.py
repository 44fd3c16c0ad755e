"""A population of GPTs that answers for any moment, computed when asked.

The document of a GPT is a pure function of (seed, gizmo_id, moment): the same question gives the
same bytes, whatever was asked before, and a million GPTs are made in no time.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from catalog.errors import UsageError
from catalog.simulator import documents
from catalog.simulator.documents import Author, Profile
from catalog.simulator.draw import Draw, number, share
from catalog.simulator.identity import Identity
from catalog.simulator.life import BIRTHS_PER_DAY, Content, Life
from catalog.times import DAY, HOUR, Micros, from_iso

START: Micros = from_iso("2026-01-01T00:00:00Z")
"""When a simulation begins, unless it is told otherwise."""

_LAUNCH: Micros = from_iso("2023-11-09T18:00:00Z")
_HEX_SINCE: Micros = from_iso("2024-11-22T00:00:00Z")
_HEX_SHARE = 0.6
_AUTHORS_PER_GPT = 0.6
_AUTHOR_POWER = 2.2
_REMEMBERED = 8192


class Population:
    """GPTs, their authors and what becomes of them.

    Args:
        seed: everything follows from it.
        size: how many GPTs there are when the simulation begins.
        start: when it begins.
        pace: how many times faster than real GPTs are edited, vanish and are born.

    Raises:
        UsageError: a size below 1, a pace that is not positive, a start before GPTs existed.
    """

    def __init__(self, seed: int, size: int, start: Micros = START, pace: float = 1.0) -> None:
        if size < 1:
            raise UsageError(f"a population of {size} GPTs is none; ask for at least 1")
        if pace <= 0:
            raise UsageError(f"a pace of {pace:g} is none; 1 is the real one")
        if start <= _LAUNCH + DAY:
            raise UsageError("a simulation cannot begin before the first GPTs: 2023-11-10")
        self.seed = seed
        self.size = size
        self.start = start
        self.pace = pace
        self._identity = Identity(seed)
        self._between_births = int(min(DAY, DAY / (size * BIRTHS_PER_DAY * pace)))
        self._profile = lru_cache(_REMEMBERED)(self._make_profile)
        self._author = lru_cache(_REMEMBERED)(self._make_author)

    def ids(self) -> Iterator[str]:
        """The ids known when the simulation begins; a few are gone already."""
        return (self._gizmo_id(index) for index in range(self.size))

    def born(self, since: Micros, until: Micros) -> Iterator[tuple[str, Micros]]:
        """The ids born in [``since``, ``until``), each with its moment, in order."""
        first = max(0, (since - self.start) // self._between_births)
        last = (until - self.start) // self._between_births
        for birth in range(first, max(first, last + 1)):
            moment = self._birth(birth)
            if since <= moment < until:
                yield self._gizmo_id(self.size + birth), moment

    def others(self, gizmo_id: str, count: int) -> Iterator[str]:
        """Up to ``count`` other ids, always the same ones for an id."""
        first = number(self.seed, gizmo_id, "other")
        for step in range(count):
            other = self._gizmo_id((first + step) % self.size)
            if other != gizmo_id:
                yield other

    def exists(self, gizmo_id: str, at: Micros) -> bool:
        """Whether sources know a GPT of that id at ``at``."""
        profile = self._find(gizmo_id)
        return profile is not None and self._is_there(profile, at)

    def document(self, gizmo_id: str, at: Micros) -> dict[str, Any] | None:
        """What a source would say at ``at``: None where it knows no such GPT."""
        profile = self._find(gizmo_id)
        if profile is None or not self._is_there(profile, at):
            return None
        first = profile.content
        content = Content(
            starters=None if first.starters is None else list(first.starters),
            tools=list(first.tools),
            files=list(first.files),
        )
        profile.life.edit(content, at)
        author = profile.author
        if sales := profile.life.sales(at):
            author = self._author_of(profile.index, sales)
        maker = self._author(author)
        return documents.build(self.seed, profile, maker, content, at, self.start, self.pace)

    def _is_there(self, profile: Profile, at: Micros) -> bool:
        return at >= profile.created_at and profile.life.exists(at, old=profile.old)

    def _find(self, gizmo_id: str) -> Profile | None:
        index = self._identity.index(gizmo_id)
        # Births go on for ever, but no simulation lasts a thousand years: any higher index is
        # the chance reading of an id of somebody else.
        if index is None or index >= self.size + 365_000 * DAY // self._between_births:
            return None
        profile = self._profile(index)
        return profile if profile.gizmo_id == gizmo_id else None

    def _birth(self, birth: int) -> Micros:
        jitter = share(self.seed, "birth", birth)
        return self.start + int((birth + jitter) * self._between_births)

    def _created_at(self, index: int) -> Micros:
        if index >= self.size:
            return self._birth(index - self.size)
        # Growth slowed down: more were made in the first months than in the last.
        age = share(self.seed, index, "created") ** 1.5
        return _LAUNCH + int(age * (self.start - HOUR - _LAUNCH))

    def _gizmo_id(self, index: int) -> str:
        created_at = self._created_at(index)
        if created_at >= _HEX_SINCE and share(self.seed, index, "form") < _HEX_SHARE:
            return self._identity.hex(index, created_at)
        return self._identity.classic(index)

    def _author_of(self, index: int, sales: int) -> int:
        # A power of a uniform number: few authors with hundreds of GPTs, most with one.
        pool = self.size * _AUTHORS_PER_GPT + 1
        return int(pool * share(self.seed, index, "author", sales) ** _AUTHOR_POWER)

    def _make_author(self, index: int) -> Author:
        return documents.author(self.seed, index)

    def _make_profile(self, index: int) -> Profile:
        draw = Draw(self.seed, index, "profile")
        created_at = self._created_at(index)
        old = index < self.size
        author = self._author_of(index, 0)
        # Conversations follow a power law as well; the exponent gives 1 % of GPTs above 25,000.
        popularity = min(8e6, 12 * (1 - draw.unit()) ** -1.66)
        return Profile(
            index=index,
            gizmo_id=self._gizmo_id(index),
            created_at=created_at,
            old=old,
            author=author,
            language=documents.language(self.seed, index, self._author(author)),
            life=Life(self.seed, index, self.start if old else created_at, self.pace),
            popularity=popularity,
            review_share=0.002 + 0.01 * draw.unit(),
            bump=0.5 + 0.5 * draw.unit() ** 0.7,
            content=documents.first_content(self.seed, index),
        )
