"""Frozen types that cross layers. No behaviour beyond what their fields say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Literal, Protocol

import msgspec

from catalog.times import Micros

Row = dict[str, Any]
"""One row of a table, by column."""

Rows = dict[str, dict[tuple[Any, ...], Row]]
"""Rows by table and primary key."""


class Verdict(StrEnum):
    """How one asked id ended. A closed set."""

    DOCUMENT = "document"
    """The source gave the document of the asked GPT."""
    NOT_FOUND = "not_found"
    """The source said in so many words that there is no such GPT."""
    MISMATCHED = "mismatched"
    """The source gave the document of another GPT; it is filed under the id it carries (law 5)."""
    DENIED = "denied"
    """The source refuses the key or the caller."""
    QUOTA = "quota_used_up"
    """The key's or the account's quota is used up."""
    THROTTLED = "throttled"
    """The source asks to be asked more slowly."""
    UNAVAILABLE = "unavailable"
    """No answer, or none of the source's own: timeout, connection, 5xx, no channel, no route."""
    MALFORMED = "malformed"
    """An answer that cannot be understood: HTML, cut or unknown JSON, no id."""
    FORGOTTEN = "forgotten"
    """The catalog was told to forget the GPT, or its author: nothing of the answer was kept."""

    @property
    def is_fact(self) -> bool:
        """Whether it says something about a GPT (law 4)."""
        return self in {Verdict.DOCUMENT, Verdict.NOT_FOUND, Verdict.MISMATCHED}


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A question to a source, without its key.

    Attributes:
        method: ``GET`` or ``POST``.
        url: the whole address with its query.
        body: JSON to send, already encoded, or None.
        asked: the ids it asks for, empty for a search.
    """

    method: str
    url: str
    body: bytes | None = None
    asked: tuple[str, ...] = ()


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came back over HTTP: everything a dialect may judge by.

    Attributes:
        status: HTTP status.
        headers: names in lower case.
        body: after transfer and content decoding, whole.
        received_at: when its last byte arrived.
        seconds: from the request to the last byte.
        first_seconds: from the request to the first piece of the body.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    received_at: Micros
    seconds: float = 0.0
    first_seconds: float = 0.0


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer, or a piece of a file, says about one GPT.

    Attributes:
        asked: the id that was asked for; empty where none was (files, searches).
        verdict: how it ended.
        gizmo_id: the id that the document carries, or that is not found.
        payload: the exact bytes of the JSON value that holds the document with its ``stat``
            (rule 1); for everything else the bytes that help to understand it.
        wrapping: where in the payload the gizmo object lies, as a dotted path: ``gizmo``,
            ``info.gizmo``, ``resource.gizmo``, empty for a bare gizmo object, ``flat`` for mj-flat.
        said_at: the time that the answer itself names (``@timestamp``, ``observed_at``), if any.
        detail: what the source said, for people, without secrets.
        status: HTTP status; 0 where none.
        retry_after: seconds that the source asks to wait, if it does.
    """

    asked: str = ""
    verdict: Verdict
    gizmo_id: str = ""
    payload: bytes = b""
    wrapping: str = ""
    said_at: Micros | None = None
    detail: str = ""
    status: int = 0
    retry_after: float | None = None


class Mention(msgspec.Struct, frozen=True, kw_only=True):
    """An id that a search answer or a list names without giving its document.

    Attributes:
        gizmo_id: the id.
        title: its name there.
        rank: its place there, from 1.
        payload: the exact bytes of the item.
    """

    gizmo_id: str
    title: str = ""
    rank: int = 0
    payload: bytes = b""


class Unmapped(msgspec.Struct, frozen=True):
    """A path that no table knows, or a value that its column cannot take.

    Attributes:
        path: the JSON path, ``[]`` for elements.
        example: the value as canonical JSON, cut to 200 characters.
    """

    path: str
    example: str


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """A payload, normalised: what it states, and nothing that it does not.

    Absent, null and empty are three things (law 3): a field that is not stated is no key here,
    ``None`` is a stated null, an empty string or list is itself.

    Attributes:
        gizmo_id: the id it carries.
        updated_at: ``gizmo.updated_at``, if any; orders documents and finds stale copies.
        leaves: how many values in it are not null; breaks ties within a step.
        scalars: by :attr:`catalog.fields.Field.column`; times in microseconds, JSON as canonical
            text.
        lists: by :attr:`catalog.fields.ListField.table`; None is a stated null, else the elements
            by key, each with the columns it states.
        mime_sets: the members of the sets that the attachment scalars name, by digest.
        stat: the gateway's own counters by column.
        unmapped: what no table takes.
        paths: the paths present, sorted, without the members of open-ended ones, and those of
            wrongly typed values with ``:type`` behind them: for drift.
    """

    gizmo_id: str
    updated_at: Micros | None
    leaves: int
    scalars: dict[str, Any]
    lists: dict[str, dict[str, Row] | None]
    mime_sets: dict[str, tuple[str, ...]] = {}
    stat: dict[str, int] = {}
    unmapped: tuple[Unmapped, ...] = ()
    paths: tuple[str, ...] = ()


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """Source S said payload P, or "no such GPT", about GPT G at time T.

    Identified by (gizmo_id, source, observed_at, digest).

    Attributes:
        gizmo_id: the GPT.
        source: the source's name.
        observed_at: when it was said.
        recorded_at: when we wrote it down.
        digest: SHA-256 of the payload, or empty for ``not_found``.
        payload: the bytes, or empty for ``not_found``.
        wrapping: see :class:`Reading`.
        run_id: the run that brought it.
        verdict: of a ``not_found``: ``counted``, ``held``, or empty while its run is open (rule 6).
        redacted: whether a secret was replaced in the payload (law 10).
        document: the payload, normalised; None for ``not_found``.
    """

    gizmo_id: str
    source: str
    observed_at: Micros
    recorded_at: Micros
    digest: bytes = b""
    payload: bytes = b""
    wrapping: str = ""
    run_id: str = ""
    verdict: str = ""
    redacted: bool = False
    document: Document | None = None


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """An observation as the fold sees it.

    Attributes:
        observation_id: its row.
        source: its source's name.
        observed_at: when it was said.
        digest: SHA-256 of its payload; empty for ``not_found``.
        document: what it states; None for ``not_found``.
        counted: of a ``not_found``: whether it counts against the GPT (rule 6).
    """

    observation_id: int
    source: str
    observed_at: Micros
    digest: bytes = b""
    document: Document | None = None
    counted: bool = False


class Folded(msgspec.Struct, frozen=True, kw_only=True):
    """What a fold over some statements of one GPT yields.

    Attributes:
        state: the fold's state after the last step, encoded; give it to the next fold.
        rows: new rows, whole, by table and primary key.
        updates: columns to set on rows that an earlier fold wrote, by table and the leading
            columns of the primary key: an interval ends, a change turns out to be a flap.
        last_at: ``observed_at`` of the last step.
        authors: the ``user_id`` values whose aggregate has to be made again.
        effects: ``new``, ``changed`` or ``unchanged`` by the observation of a document.
    """

    state: bytes
    rows: Rows
    updates: Rows
    last_at: Micros
    authors: frozenset[str] = frozenset()
    effects: dict[int, str] = {}


class Change(msgspec.Struct, frozen=True, gc=False):
    """A row of ``changes``, as far as mass events need it.

    Attributes:
        gizmo_id: the GPT.
        observed_at: when the new value was first said.
        field: the path in the document.
        element: of a list: the element's key; else empty.
        old: canonical JSON of the old value, or None.
        new: canonical JSON of the new value, or None.
    """

    gizmo_id: str
    observed_at: Micros
    field: str
    element: str
    old: str | None
    new: str | None


class MassEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One difference that many GPTs show at once (rule 9).

    Attributes:
        event_id: digest of field, difference and first day.
        field: the path.
        added: JSON: of a list the elements that came, else the new value.
        removed: JSON: of a list the elements that went, else the old value.
        first_day: the first UTC day.
        last_day: the last UTC day.
        gpts: how many GPTs show it on its days.
        compared: how many GPTs have a neighbouring pair on its days.
        members: the GPT and the ``observed_at`` of every change that is part of it.
    """

    event_id: str
    field: str
    added: str
    removed: str
    first_day: str
    last_day: str
    gpts: int
    compared: int
    members: tuple[tuple[str, Micros], ...]


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """A path or a type that appeared in, or vanished from, a source's documents (rule 10).

    Attributes:
        path: the path.
        kind: ``appeared``, ``vanished`` or ``type``.
        at: when the first document with it, or the last before it vanished, was said.
        gizmo_id: the GPT of that document.
        first_seen_at: since when documents have it, or had it until it vanished.
        last_seen_at: when a document last had it, before it vanished if it did.
    """

    path: str
    kind: str
    at: Micros
    gizmo_id: str
    first_seen_at: Micros
    last_seen_at: Micros


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody should look at.

    Attributes:
        kind: what is wrong, of :data:`catalog.alarms.KINDS`.
        subject: with what: a source, a job, a path; empty for the catalog as a whole.
        severity: an ``alarm`` needs somebody, a ``warning`` is good to know.
        message: for people, with what to do next.
    """

    kind: str
    subject: str
    severity: Literal["warning", "alarm"]
    message: str


class Deriver(Protocol):
    """The pure functions that the write path calls, handed in so that storage knows no rules."""

    def document(self, payload: bytes, wrapping: str) -> Document:
        """The document in ``payload``.

        Raises:
            NormalizeError: there is none.
        """
        ...

    def fold(self, gizmo_id: str, state: bytes | None, statements: Sequence[Statement]) -> Folded:
        """Take ``statements`` of one GPT, in any order, all later than ``state``."""
        ...

    def mass_events(
        self,
        days: Iterable[tuple[str, Iterable[Change]]],
        compared: Callable[[Sequence[str]], int],
    ) -> list[MassEvent]:
        """The mass events of some days.

        Args:
            days: each UTC day in order, with its changes of content and platform; those of one
                (gizmo_id, observed_at, field) follow each other.
            compared: how many GPTs have a neighbouring pair on some of those days.
        """
        ...

    def drift(
        self,
        documents: Iterable[tuple[Micros, str, int]],
        shapes: Mapping[int, Sequence[str]],
    ) -> list[Drift]:
        """What appeared in, and vanished from, the documents of one source and wrapping.

        Args:
            documents: ``observed_at``, GPT and shape of each, in that order.
            shapes: the paths of each shape.
        """
        ...

    def example(self, payload: bytes, wrapping: str, path: str) -> str | None:
        """The value at ``path`` in ``payload``, as canonical JSON, cut; None where none is."""
        ...
