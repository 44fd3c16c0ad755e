"""Runs without a network: what a source would have answered goes through dialect and store."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import msgspec

from catalog.derive import Derivation
from catalog.dialects import get_dialect
from catalog.harvest.store import Ended, Store, digest_of
from catalog.records import Answer, Reading, Verdict
from catalog.secrets import Redactor
from catalog.settings import SourceSettings
from catalog.storage import engine as engines
from catalog.storage import runs
from catalog.storage.stage2 import settle
from catalog.times import FixedClock, Micros
from tests.laws.worlds import START

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Engine

    from catalog.harvest.totals import Totals

SOURCE = SourceSettings(name="alpha", dialect="gpts-v2", base_url="https://alpha.test")


class Said(msgspec.Struct, frozen=True):
    """How one asked id is answered.

    Attributes:
        asked: the id.
        body: the answer's body; a value is sent as JSON.
        status: its HTTP status.
    """

    asked: str
    body: Any
    status: int = 200

    @property
    def sent(self) -> bytes:
        """The body's bytes."""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


class Asking:
    """One source that is asked in run after run.

    Args:
        engine: the catalog.
        source: the source.
        secrets: what must never be written.
    """

    def __init__(
        self, engine: Engine, source: SourceSettings = SOURCE, secrets: Sequence[str] = ()
    ) -> None:
        self._engine = engine
        self._source = source
        self._redactor = Redactor(secrets)
        self._rng = random.Random(3)

    def readings(self, said: Said, at: Micros) -> tuple[Reading, ...]:
        """What the dialect makes of an answer."""
        answer = Answer(status=said.status, headers={}, body=said.sent, received_at=at)
        return tuple(get_dialect(self._source).read(answer, (said.asked,)))

    def run(self, *answers: Said, at: Micros = START) -> Totals:
        """A run in which each id is answered as said."""
        return self.end([(said.asked, self.readings(said, at)) for said in answers], at)

    def end(self, ended: Sequence[tuple[str, tuple[Reading, ...]]], at: Micros = START) -> Totals:
        """A run whose ids end in these readings."""
        store = Store(
            self._engine,
            self._source,
            key=runs.RunKey(
                command="harvest",
                source=self._source.name,
                ids_digest=digest_of([gizmo_id for gizmo_id, _ in ended]),
            ),
            deriver=Derivation(),
            redactor=self._redactor,
            clock=FixedClock(at),
            rng=self._rng,
        )
        try:
            asked = store.begin([gizmo_id for gizmo_id, _ in ended])
            claimed, _ = store.claim(asked)
            assert sorted(claimed) == sorted(asked)
            store.write(
                [
                    Ended(
                        asked=gizmo_id,
                        readings=readings,
                        attempts=1,
                        requests=1,
                        received_at=at,
                    )
                    for gizmo_id, readings in ended
                ]
            )
            totals = store.finish(None)
        finally:
            store.close()
        with engines.write(self._engine) as conn:
            settle(conn, Derivation())
        return totals


def failure(asked: str, verdict: Verdict, body: bytes = b"", detail: str = "it said no") -> Reading:
    """A reading that is no fact."""
    return Reading(asked=asked, verdict=verdict, payload=body, detail=detail, status=500)


def absent(asked: str) -> Said:
    """The source says that there is no such GPT."""
    return Said(asked, {"detail": "gizmo not found"}, 404)


def given(asked: str, document: dict[str, Any]) -> Said:
    """The source gives a document."""
    return Said(asked, {"code": 0, "msg": "ok", "data": document})
