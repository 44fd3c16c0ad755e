"""Sources that misbehave for days: one gateway under several names, each with its own trouble.

The gateway itself counts what it is asked, by the day of the machine that asks: that is what
budgets are held against.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aiohttp import web

from catalog.simulator import Fault, FaultKind, FaultTimes, Population, SimulatedClock
from catalog.simulator.gateway import Gateway
from catalog.simulator.misbehave import misbehave
from catalog.times import DAY, SECOND, Micros, day_of

if TYPE_CHECKING:
    from catalog.simulator import RunningGateway

Document = dict[str, Any]
Change = Callable[[str, Document], Document | None]

MOUNTS = {"one": "plain", "two": "bare"}
"""The sources, the preferred first, and where each is."""
PROBE_TOKENS = 46
"""What the simulated gateway says that a probe took."""
BETWEEN_BIRTHS: Micros = 10 * DAY


class SmallPopulation(Population):
    """One that does not grow tenfold in a year: a small one is born at least once a day."""

    def __init__(self, seed: int, size: int, start: Micros) -> None:
        super().__init__(seed, size, start)
        self._between_births = BETWEEN_BIRTHS


class Doctored(SmallPopulation):
    """The same GPTs, told in another way.

    Args:
        like: the true ones.
        change: what becomes of an id's document; None says that there is no such GPT.
    """

    def __init__(self, like: Population, change: Change) -> None:
        super().__init__(like.seed, like.size, like.start)
        self._change = change

    def document(self, gizmo_id: str, at: Micros) -> Document | None:
        """What this source would say at ``at``."""
        found = super().document(gizmo_id, at)
        return None if found is None else self._change(gizmo_id, found)


class Sources:
    """Answers in the gateway's place.

    Args:
        running: the gateway; each of its mounts is a source.
        clock: the true time; each request takes a second of it.

    Attributes:
        skew: by how much the clock of those who ask is ahead.
        asked: requests by mount, kind and day of those who ask.
        given: when documents were asked for, and given in some form.
    """

    def __init__(self, running: RunningGateway, clock: SimulatedClock) -> None:
        self._honest = running.gateway
        self._answer = running.gateway.answer
        self._clock = clock
        self._fault: dict[str, FaultKind] = {}
        self._other: dict[str, Gateway] = {}
        self.skew: Micros = 0
        self.asked: Counter[tuple[str, str, str]] = Counter()
        self.given: list[Micros] = []
        running.gateway.answer = self.answer  # type: ignore[method-assign]

    def fail(self, mount: str, kind: FaultKind) -> None:
        """Each answer of a mount fails in this way."""
        self._fault[mount] = kind

    def freeze(self, mount: str) -> None:
        """A mount says for ever what it says now, byte for byte."""
        now = SimulatedClock(self._clock.now())
        self._other[mount] = Gateway(self._honest.population, now)

    def doctor(self, mount: str, change: Change) -> None:
        """A mount tells its documents in another way."""
        self._other[mount] = Gateway(Doctored(self._honest.population, change), self._clock)

    def mend(self, mount: str) -> None:
        """A mount is well again."""
        self._fault.pop(mount, None)
        self._other.pop(mount, None)

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Count a question, and answer it as its mount does now."""
        mount = request.path.split("/")[1]
        day = day_of(self._clock.now() + self.skew)
        probe = request.path.endswith("/chat/completions")
        self.asked[mount, "probes" if probe else "requests", day] += 1
        if probe:
            self.asked[mount, "tokens", day] += PROBE_TOKENS
        self._clock.advance(SECOND)
        if mount in self._fault:
            fault = Fault(self._fault[mount], None)
            return await misbehave(fault, request, b"{}", self._clock.now(), FaultTimes())
        if not probe and not request.path.endswith("/search"):
            self.given.append(self._clock.now())
        if mount in self._other and not request.path.endswith("/search"):
            return await self._other[mount].answer(request)
        return await self._answer(request)


def emptied(_: str, document: Document) -> Document:
    """All that the document holds is gone, but for its id and name."""
    gizmo = dict.fromkeys(document["gizmo"])
    gizmo["id"] = document["gizmo"]["id"]
    gizmo["display"] = {"name": document["gizmo"]["display"]["name"]}
    return {"gizmo": gizmo, "tools": [], "files": [], "product_features": None}


def halved(_: str, document: Document) -> Document:
    """Half of what it holds is left out."""
    kept = {"id", "author", "created_at", "updated_at"}
    gizmo = {name: value for name, value in document["gizmo"].items() if name in kept}
    gizmo["display"] = {"name": document["gizmo"]["display"]["name"]}
    return {"gizmo": gizmo}


def renamed(_: str, document: Document) -> Document:
    """Another description than elsewhere."""
    gizmo = document["gizmo"]
    display = {**gizmo["display"], "description": f"{gizmo['display']['description']} (mirrored)"}
    return {**document, "gizmo": {**gizmo, "display": display}}


def grown(number: int) -> Change:
    """A field that nobody knows: another for each number, as one that was there is told once."""

    def change(_: str, document: Document) -> Document:
        gizmo = {**document["gizmo"], f"invented_parts_{number}": [{"colour": "blue"}]}
        return {**document, "gizmo": gizmo}

    return change


def denied(gizmo_id: str, document: Document) -> Document | None:
    """Two of five GPTs do not exist, always the same ones."""
    number = int.from_bytes(hashlib.sha256(gizmo_id.encode()).digest()[:4], "big")
    return None if number % 5 < 2 else document


def swapped(population: Population, now: Callable[[], Micros]) -> Change:
    """Another GPT's document than was asked for."""

    def change(gizmo_id: str, document: Document) -> Document:
        for other in population.others(gizmo_id, 32):
            found = population.document(other, now())
            if found is not None:
                return found
        return document

    return change
