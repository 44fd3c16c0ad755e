"""The pure functions of the derivation, as the write path is handed them.

Storage knows no rule (design, section 10): it calls the :class:`catalog.records.Deriver` that it
is given, and this is the one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from catalog.decide import find_drift, find_mass_events, fold
from catalog.normalize import find_example, normalize
from catalog.records import Change, Document, Drift, Folded, MassEvent, Statement
from catalog.times import Micros


class Derivation:
    """Normalisation, the fold and what is seen over all, under the names that storage calls."""

    def document(self, payload: bytes, wrapping: str) -> Document:
        """The document in ``payload``.

        Raises:
            NormalizeError: there is none.
        """
        return normalize(payload, wrapping)

    def fold(self, gizmo_id: str, state: bytes | None, statements: Sequence[Statement]) -> Folded:
        """Take ``statements`` of one GPT, all later than ``state``.

        Raises:
            ValueError: a statement is not later than the state.
        """
        return fold(gizmo_id, state, statements)

    def mass_events(
        self,
        days: Iterable[tuple[str, Iterable[Change]]],
        compared: Callable[[Sequence[str]], int],
    ) -> list[MassEvent]:
        """The mass events of some days; see :func:`catalog.decide.mass.find_mass_events`."""
        return find_mass_events(days, compared)

    def drift(
        self,
        documents: Iterable[tuple[Micros, str, int]],
        shapes: Mapping[int, Sequence[str]],
    ) -> list[Drift]:
        """What came and went; see :func:`catalog.decide.drift.find_drift`."""
        return find_drift(documents, shapes)

    def example(self, payload: bytes, wrapping: str, path: str) -> str | None:
        """The value at ``path`` in ``payload``, as canonical JSON, cut; None where none is."""
        return find_example(payload, wrapping, path)
