"""What happens to a GPT over time: edits, flaps, disappearing, and the platform's own doings.

The rates are those measured on public daily archives: 53,628 one-day pairs of 355 GPTs for changes,
the log of a large crawl for growth and removal. Each process is a walk from the GPT's beginning to
the asked moment, so a question costs as much as that GPT has lived through.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from math import exp, log

from catalog.simulator.draw import Draw, share
from catalog.times import DAY, Micros

BIRTHS_PER_DAY = 0.0015
"""New ids a day as a share of all: 47.7 % in seven months."""
VANISHED_AT_START = 0.02
"""Share of a list of ids that is gone already; 5.15 % were at the end of that log."""
_VANISH_PER_DAY = 0.00036
"""Less those that return, 0.33 % in two weeks."""
_RETURN_SHARE = 0.35
_RETURN_DAYS = 12.0
_LATE_RETURN_SHARE = 0.2
_LATE_RETURN_DAYS = 30.0

_NEVER = 0.14
_RATES = (
    (_NEVER, 0.0008),
    (0.25, 0.0032),
    (0.50, 0.0072),
    (0.75, 0.018),
    (0.90, 0.033),
    (0.99, 0.13),
    (1.00, 0.30),
)
"""Quantiles of the GPTs' own rates of core content changes a day; 14 % never change."""

_EDITED = (
    ("starters", 0.25),
    ("description", 0.24),
    ("name", 0.13),
    ("picture", 0.125),
    ("tools", 0.11),
    ("files", 0.047),
    ("categories", 0.034),
)
"""How often one edit touches a field, so that each field's own rate comes out as measured."""
_REVERT = 0.025
_REISSUE_PER_DAY = 0.013
_SALE_PER_DAY = 0.00015
_RENAME_PER_DAY = 0.001

_FLAPPING = 0.38
"""Share of GPTs whose author is shown at some times and not at others."""
_HIDDEN_DAYS = (1.0, 2.0)
_SHOWN_SHORT = (0.40, 1.0, 3.0)
_SHOWN_LONG_DAYS = 22.0

_PLATFORM_FIRST = {"tags": 9, "mime": 16}
_PLATFORM_EVERY = 60
_PLATFORM_SHARE = {"tags": 0.3, "mime": 0.6}

BUILT_IN = ("browser", "dalle", "python")
MAX_STARTERS = 12


def edit_rate(unit: float) -> float:
    """The rate of edits a day of the GPT at quantile ``unit``."""
    if unit < _NEVER:
        return 0.0
    place = min(bisect_right(_RATES, (unit, 1.0)), len(_RATES) - 1)
    (low, low_rate), (high, high_rate) = _RATES[place - 1], _RATES[place]
    part = (unit - low) / (high - low)
    return exp(log(low_rate) * (1 - part) + log(high_rate) * part)


@dataclass(slots=True)
class Content:
    """What a GPT's owner made of it by some moment.

    A value is a version number from which the text is made; a list holds one for each element.

    Attributes:
        starters: None where the platform says null.
        tools: (type, version) pairs; only actions have versions other than 0.
        edited_at: the last edit, 0 where there was none.
        edits: how many there were.
    """

    name: int = 0
    description: int = 0
    picture: int = 0
    categories: int = 0
    starters: list[int] | None = field(default_factory=list)
    tools: list[tuple[str, int]] = field(default_factory=list)
    files: list[int] = field(default_factory=list)
    edited_at: Micros = 0
    edits: int = 0


class Life:
    """The course of one GPT.

    Args:
        seed: the population's seed.
        index: the GPT's place in it.
        since: when its course begins.
        pace: how many times faster than real everything happens.
    """

    __slots__ = ("_index", "_pace", "_seed", "_since")

    def __init__(self, seed: int, index: int, since: Micros, pace: float) -> None:
        self._seed = seed
        self._index = index
        self._since = since
        self._pace = pace

    def _draw(self, what: str) -> Draw:
        return Draw(self._seed, self._index, what)

    def exists(self, at: Micros, *, old: bool) -> bool:
        """Whether sources know it at ``at``; ``old`` ones may have vanished before the start."""
        draw = self._draw("vanishing")
        moment = float(self._since)
        if old and draw.chance(VANISHED_AT_START):
            if not draw.chance(_LATE_RETURN_SHARE):
                return False
            moment += draw.gap(_LATE_RETURN_DAYS) * DAY / self._pace
            if at < moment:
                return False
        while True:
            moment += draw.gap(DAY / (_VANISH_PER_DAY * self._pace))
            if at < moment:
                return True
            if not draw.chance(_RETURN_SHARE):
                return False
            moment += (1 + draw.gap(_RETURN_DAYS)) * DAY / self._pace
            if at < moment:
                return False

    def edit(self, content: Content, at: Micros) -> None:
        """Bring ``content`` from its beginning to ``at``."""
        draw = self._draw("edits")
        rate = edit_rate(draw.unit()) * self._pace
        before: dict[str, list[int]] = {}
        for moment in draw.moments(rate, self._since, at):
            content.edits += 1
            content.edited_at = moment
            touched = [name for name, likely in _EDITED if draw.chance(likely)]
            while not touched:
                touched = [name for name, likely in _EDITED if draw.chance(likely)]
            for name in touched:
                if name == "starters":
                    content.starters = _edit_list(draw, content.starters, content.edits)
                elif name == "files":
                    content.files = _edit_list(draw, content.files, content.edits) or []
                elif name == "tools":
                    _edit_tools(draw, content.tools, content.edits)
                else:
                    versions = before.setdefault(name, [0])
                    version = content.edits
                    if len(versions) > 1 and draw.chance(_REVERT):
                        version = versions[-2]
                    versions.append(version)
                    setattr(content, name, version)

    def configurations(self, at: Micros) -> int:
        """How often its tool ids were re-issued with nothing else changed."""
        rate = _REISSUE_PER_DAY * self._pace
        return sum(1 for _ in self._draw("configuration").moments(rate, self._since, at))

    def sales(self, at: Micros) -> int:
        """How often it went to another author."""
        rate = _SALE_PER_DAY * self._pace
        return sum(1 for _ in self._draw("sales").moments(rate, self._since, at))

    def author_hidden(self, at: Micros) -> bool:
        """Whether its author is not shown at ``at``: the flapping of the author's fields."""
        draw = self._draw("flaps")
        if not draw.chance(_FLAPPING):
            return False
        moment = float(self._since)
        short, least, mean = _SHOWN_SHORT
        while True:
            days = least + draw.gap(mean if draw.chance(short) else _SHOWN_LONG_DAYS)
            moment += days * DAY
            if at < moment:
                return False
            moment += (_HIDDEN_DAYS[0] + draw.gap(_HIDDEN_DAYS[1])) * DAY
            if at < moment:
                return True

    def bumped_at(self, at: Micros, daily: float) -> Micros:
        """When the platform last moved ``updated_at``, which it does in ``daily`` of all days."""
        day = at // DAY
        while True:
            unit = share(self._seed, self._index, "bump", day)
            if unit < daily:
                moment = day * DAY + int(unit / daily * DAY)
                if moment <= at:
                    return moment
            day -= 1

    def relabelled(self, kind: str, at: Micros, start: Micros) -> int:
        """How many of the platform's mass events of a ``kind`` reached it by ``at``."""
        passed = (at - start) // DAY - _PLATFORM_FIRST[kind]
        if passed < 0:
            return 0
        events = passed // _PLATFORM_EVERY + 1
        likely = _PLATFORM_SHARE[kind]
        return sum(share(self._seed, self._index, kind, event) < likely for event in range(events))


def renames(seed: int, author: int, since: Micros, at: Micros, pace: float) -> int:
    """How often an author took another name."""
    moments = Draw(seed, "author", author, "renames").moments(_RENAME_PER_DAY * pace, since, at)
    return sum(1 for _ in moments)


def _edit_list(draw: Draw, items: list[int] | None, version: int) -> list[int] | None:
    unit = draw.unit()
    if not items:
        return [version]
    if unit < 0.6:
        items[draw.below(len(items))] = version
    elif unit < 0.8 and len(items) < MAX_STARTERS:
        items.append(version)
    elif unit < 0.97:
        items.pop(draw.below(len(items)))
    else:
        return None
    return items


def _edit_tools(draw: Draw, tools: list[tuple[str, int]], version: int) -> None:
    actions = [place for place, (kind, _) in enumerate(tools) if kind == "plugins_prototype"]
    if draw.chance(0.25):
        if actions and draw.chance(0.8):
            tools[draw.pick(actions)] = ("plugins_prototype", version)
        else:
            tools.append(("plugins_prototype", version))
        return
    tool = (draw.pick(BUILT_IN), 0)
    if tool in tools:
        tools.remove(tool)
    else:
        tools.append(tool)
