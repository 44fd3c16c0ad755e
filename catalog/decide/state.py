"""Where the fold of one GPT stands: all that the next step needs, and nothing from a table.

The state is stored beside the rows so that a newer observation takes one step. It holds values
as normalised, so it is made again by ``rebuild`` and is no part of the logical dump.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from catalog.times import Micros


class Past(msgspec.Struct, array_like=True):
    """A value that a field once had.

    Attributes:
        key: its digest.
        left_at: ``observed_at`` of the change that ended it.
        n: how many steps had stated the field by then, that one included.
    """

    key: bytes
    left_at: Micros
    n: int


class Known(msgspec.Struct, array_like=True):
    """What is known of one field.

    Attributes:
        value: of a scalar its value; of a list None or its elements by key.
        at: when it was last confirmed.
        n: how many steps stated the field.
        source: who last decided it.
        said: the digest of what each source last said; empty while only one source spoke.
        past: values it had, as far as a return of them would mean something.
    """

    value: Any
    at: Micros
    n: int
    source: str
    said: dict[str, bytes] = {}
    past: list[Past] = []


class Element(msgspec.Struct, array_like=True):
    """One element of a list.

    Attributes:
        valid_from: since when it stands there as it is.
        content: the columns in which a difference is a change.
        volatile: the columns that hold the latest value alone.
    """

    valid_from: Micros
    content: dict[str, Any]
    volatile: dict[str, Any]


class State(msgspec.Struct, array_like=True):
    """The fold's state after a step.

    Attributes:
        last_at: ``observed_at`` of the last step of any kind.
        status: ``listed``, ``missing``, ``gone``; empty before the first document.
        status_from: since when.
        first_seen_at: the first document's time.
        last_seen_at: the last document's that was no stale copy.
        last_absent_at: the last counted not-found's.
        last_changed_at: the last content change's.
        newest_update: the latest ``updated_at`` said so far, where believable.
        stale_copies: how many documents were older than that.
        sources: who gave documents, in order of appearance.
        scalars: what is known of content and platform scalars, by column.
        lists: what is known of lists, by table.
        opened: since when the current row of each interval table holds.
        metrics: the latest numbers, by column.
        stats: each gateway's own counters.
        volatile: who stated each volatile column last, and when.
    """

    last_at: Micros = -(2**63)
    status: str = ""
    status_from: Micros = 0
    first_seen_at: Micros = 0
    last_seen_at: Micros = 0
    last_absent_at: Micros = 0
    last_changed_at: Micros | None = None
    newest_update: Micros = -(2**63)
    stale_copies: int = 0
    sources: list[str] = []
    scalars: dict[str, Known] = {}
    lists: dict[str, Known] = {}
    opened: dict[str, Micros] = {}
    metrics: dict[str, Any] = {}
    stats: dict[str, dict[str, int]] = {}
    volatile: dict[str, tuple[str, Micros]] = {}


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(State)


def encode_state(state: State) -> bytes:
    """The state as bytes for storage."""
    return _encoder.encode(state)


def decode_state(data: bytes) -> State:
    """The state that :func:`encode_state` wrote, its lists' elements typed again."""
    state = _decoder.decode(data)
    for known in state.lists.values():
        if known.value is not None:
            known.value = {key: Element(*element) for key, element in known.value.items()}
    return state


def content_of(value: Any) -> Any:
    """What two values of a field are compared by: of a list, its elements without the noise."""
    if not isinstance(value, dict):
        return value
    return {key: element.content for key, element in value.items()}


def canonical(value: Any) -> str:
    """``value`` as canonical JSON: sorted keys, no blanks, no escapes that are not needed."""
    return msgspec.json.encode(value, order="deterministic").decode()


def key_of(value: Any) -> bytes:
    """A short digest by which two values are told apart."""
    return hashlib.blake2b(canonical(value).encode(), digest_size=12).digest()
