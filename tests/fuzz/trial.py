"""One document on the whole way from its bytes to rows, in memory, and what must hold there.

A document ends stored or set aside with a reason; anything else that is raised is a fault.
"""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec

from catalog.derive import Derivation
from catalog.dialects import DIALECTS, get_dialect
from catalog.dialects.recorded import read_value
from catalog.intake import Taken, take
from catalog.records import Answer, Observation, Reading, Statement
from catalog.secrets import Redactor
from catalog.times import DAY, from_iso
from tests.fuzz.mutation import IDS, mutant
from tests.fuzz.seeds import seeds
from tests.unit.dialects.builders import source

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalog.records import Document

NOW = from_iso("2026-03-01T00:00:00Z")
_RULES = Derivation()
_NO_SECRETS = Redactor(())
_NOTE = "said to be set aside, and not why"
_STATUSES = (200, 200, 200, 200, 201, 400, 401, 403, 404, 404, 429, 500, 503)
_LARGEST_INTEGER = 2**63


class Fuzzer:
    """Makes documents by number, and tries them.

    Args:
        seed: of the campaign; a number's document follows from both.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._seeds = seeds()
        self._written = [msgspec.json.encode(value) for value in self._seeds]
        self._state: bytes | None = None
        self._earlier: Document | None = None
        self._prepare()

    def bytes_of(self, number: int) -> bytes:
        """The document of a number."""
        return mutant(random.Random(f"{self._seed}/{number}"), self._seeds, self._written)

    def try_one(self, number: int, told: Counter[str]) -> None:
        """Take the document of a number through decoding, normalising and folding.

        Args:
            number: which.
            told: what came of it is counted here.

        Raises:
            AssertionError: it was neither stored nor set aside with a reason, or what was made of
                it is nothing that can be stored.
        """
        rng = random.Random(f"{self._seed}/{number}/way")
        raw = self.bytes_of(number)
        if rng.random() < 0.3:
            taken, refused = self._answered(rng, raw), 0
        else:
            found = read_value(raw)
            refused = len(found.refusals)
            assert found.readings or found.mentions or found.refusals, "lost without a word"
            assert all(each.reason for each in found.refusals), _NOTE
            told["named without a document"] += len(found.mentions)
            taken = [_taken(reading) for reading in found.readings]
        stored = 0
        for each in taken:
            if each.observation is None:
                assert each.failure is not None
                assert each.failure.detail or each.failure.status, _NOTE
                refused += 1
            elif each.observation.document is not None:
                self._fold(each.observation, number)
                stored += 1
        told["stored" if stored else "set aside"] += 1
        told["documents"] += stored
        told["reasons"] += refused

    def _answered(self, rng: random.Random, raw: bytes) -> list[Taken]:
        """As an answer to a question, of any dialect."""
        dialect = get_dialect(source(rng.choice(list(DIALECTS))))
        status = rng.choice(_STATUSES)
        answer = Answer(status=status, headers={}, body=raw, received_at=NOW, seconds=0.1)
        if rng.random() < 0.15:
            _, readings = dialect.read_search(answer)
            return [_taken(reading) for reading in readings]
        asked: Sequence[str] = IDS[: rng.choice((1, 1, 2))]
        readings = dialect.read(answer, asked)
        assert [reading.asked for reading in readings[: len(asked)]] == list(asked)
        return [_taken(reading) for reading in readings]

    def _prepare(self) -> None:
        """A GPT that is known already, so that documents are compared with something."""
        reading = read_value(msgspec.json.encode(self._seeds[0])).readings[0]
        observation = _taken(reading).observation
        assert observation is not None
        self._earlier = observation.document
        self._state = _RULES.fold("g-Fuzz00001", None, [self._first()]).state

    def _first(self) -> Statement:
        return Statement(
            observation_id=1,
            source="one",
            observed_at=NOW - 9 * DAY,
            digest=b"1" * 32,
            document=self._earlier,
        )

    def _fold(self, observation: Observation, number: int) -> None:
        document = observation.document
        assert document is not None
        _check_document(document)
        later = Statement(
            observation_id=2,
            source="one",
            observed_at=NOW,
            digest=observation.digest,
            document=document,
        )
        folded = _RULES.fold("g-Fuzz00001", self._state, [later])
        _check_rows(folded.rows)
        _check_rows(folded.updates)
        if number % 8 == 0:
            whole = _RULES.fold("g-Fuzz00001", None, [later, self._first()])
            assert whole.state == folded.state, "step by step it is another state"


def _taken(reading: Reading) -> Taken:
    return take(
        reading,
        source="one",
        run_id="",
        received_at=NOW,
        said_at=(),
        redactor=_NO_SECRETS,
        normalize=_RULES.document,
    )


def _check_document(document: Document) -> None:
    """What storage relies on."""
    _check_text(document)
    _check_row(document.scalars)
    _check_row(document.stat)
    for rows in document.lists.values():
        for row in (rows or {}).values():
            _check_row(row)


def _check_rows(tables: dict[str, dict[tuple[Any, ...], dict[str, Any]]]) -> None:
    for rows in tables.values():
        for row in rows.values():
            _check_row(row)
    _check_text([list(rows.values()) for rows in tables.values()])


def _check_row(row: dict[str, Any]) -> None:
    for column, value in row.items():
        if type(value) is int:
            assert -_LARGEST_INTEGER <= value < _LARGEST_INTEGER, f"{column} is too large"


def _check_text(value: Any) -> None:
    """No text holds U+0000 or half a character: engines take neither."""
    written = msgspec.json.encode(value)
    # A backslash before an even number of others is a text's own.
    at = written.find(b"\\u0000")
    while at >= 0:
        before = len(written[:at]) - len(written[:at].rstrip(b"\\"))
        assert before % 2, "a text with U+0000"
        at = written.find(b"\\u0000", at + 1)
