"""Answers as files: CSV, NDJSON, Parquet, sent while they are made, so that memory stays flat.

A thread reads the catalog and writes; it waits for whoever takes what it writes, but not for ever.
A file that could not be finished is not ended: who reads it is told by HTTP that it is cut.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from http import HTTPStatus
from typing import IO, TYPE_CHECKING, Any, cast, get_args

import anyio
import msgspec
from anyio import from_thread, to_thread
from msgspec import inspect as kinds

from catalog.errors import CatalogError
from catalog.times import from_iso, to_datetime
from catalog.web.api.encoding import clean, encode
from catalog.web.api.problems import problem
from catalog.web.api.wire import Wire
from catalog.wording.rows import Form, Kind, csv_lines, plain, unique, write_rows

if TYPE_CHECKING:
    from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
    from starlette.types import Receive, Scope, Send

FORMS: tuple[Form, ...] = get_args(Form)
TYPES: dict[Form, str] = {
    "csv": "text/csv; charset=utf-8; header=present",
    "ndjson": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
}
PART = 64 * 1024
"""Bytes that are sent at once."""
AHEAD = 4
"""Parts that are made before the first of them is taken."""
PATIENCE = 60.0
"""Seconds for which whoever asked may take nothing."""


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """Rows to be written.

    Attributes:
        columns: the names of the columns.
        rows: their values.
        kinds: what they hold, for Parquet; None: as the first rows are.
    """

    columns: Sequence[str]
    rows: Iterable[Sequence[Any]]
    kinds: Sequence[Kind] | None = None


def table(each: Wire, rows: Iterable[dict[str, Any]], form: Form) -> Table:
    """The rows of an operation, as a file holds them.

    Args:
        each: their type.
        rows: their members.
        form: of the file: Parquet has a type for moments.
    """
    info = kinds.type_info(each.type)
    assert isinstance(info, kinds.StructType)  # noqa: S101  (a declaration of ours)
    columns = [field.encode_name for field in info.fields]
    held = [_kind_of(field.type) for field in info.fields]

    def values() -> Iterator[list[Any]]:
        for row in rows:
            found = [clean(row[name]) for name in columns]
            if form == "parquet":
                yield [_typed(value, kind) for value, kind in zip(found, held, strict=True)]
            else:
                yield found

    return Table(columns=columns, rows=values(), kinds=held)


def write(form: Form, made: Table, file: IO[bytes]) -> None:
    """Write rows in a form."""
    if form == "csv":
        for line in csv_lines(made.columns, made.rows):
            file.write(line.encode("utf-8", "replace"))
    elif form == "ndjson":
        names = unique(made.columns)
        for row in made.rows:
            values = map(plain, row)
            file.write(encode(dict(zip(names, values, strict=True))) + b"\n")
    else:
        write_rows(form, file, made.columns, made.rows, made.kinds)


async def send_file(
    work: Callable[[IO[bytes]], None],
    scope: Scope,
    receive: Receive,
    send: Send,
    *,
    headers: dict[str, str],
    stop: Callable[[], None],
) -> None:
    """Send what a thread writes.

    Args:
        work: writes; is called in the thread.
        scope: of the request.
        receive: says when whoever asked has gone.
        send: takes the answer.
        headers: of the answer.
        stop: ends what the thread waits for.
    """
    into, out = anyio.create_memory_object_stream[bytes](AHEAD)
    failed: list[Exception] = []

    async def make() -> None:
        async with into:
            try:
                await to_thread.run_sync(_make, work, into)
            except (CatalogError, OSError, anyio.BrokenResourceError) as error:
                failed.append(error)

    async def watch() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        stop()
        out.close()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(make)
        tasks.start_soon(watch)
        await _send(out, failed, scope, receive, send, headers)
        stop()
        tasks.cancel_scope.cancel()


async def _send(
    out: MemoryObjectReceiveStream[bytes],
    failed: list[Exception],
    scope: Scope,
    receive: Receive,
    send: Send,
    headers: dict[str, str],
) -> None:
    started = False
    with out:
        try:
            async for part in out:
                if not started:
                    await send(_start(headers))
                    started = True
                await send({"type": "http.response.body", "body": part, "more_body": True})
        except anyio.ClosedResourceError:
            return
    if failed and started:
        # What is not ended is seen to be cut.
        return
    if failed:
        if isinstance(failed[0], CatalogError):
            await problem(failed[0])(scope, receive, send)
        return
    if not started:
        await send(_start(headers))
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def _start(headers: dict[str, str]) -> dict[str, Any]:
    return {
        "type": "http.response.start",
        "status": int(HTTPStatus.OK),
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
    }


def _make(work: Callable[[IO[bytes]], None], into: MemoryObjectSendStream[bytes]) -> None:
    sink = _Sink(into)
    work(cast("IO[bytes]", sink))
    sink.send()


class _Sink:
    """A file whose bytes are sent; it waits until they are taken.

    Args:
        into: where to.
    """

    closed = False

    def __init__(self, into: MemoryObjectSendStream[bytes]) -> None:
        self._into = into
        self._held = bytearray()

    def write(self, data: bytes) -> int:
        """Take bytes."""
        self._held += data
        if len(self._held) >= PART:
            self.send()
        return len(data)

    def send(self) -> None:
        """Send what is held."""
        if self._held:
            part = bytes(self._held)
            self._held.clear()
            from_thread.run(self._patiently, part)

    def flush(self) -> None:
        """Nothing: parts are sent when they are large enough."""

    def close(self) -> None:
        """Nothing: the end is said by who made it."""

    async def _patiently(self, part: bytes) -> None:
        with anyio.fail_after(PATIENCE):
            await self._into.send(part)


def _kind_of(kind: Any) -> Kind:
    """What a column of a type holds; what Parquet has no plain type for is its JSON."""
    is_moment = False
    while isinstance(kind, kinds.Metadata | kinds.UnionType):
        if isinstance(kind, kinds.Metadata):
            is_moment = is_moment or (kind.extra_json_schema or {}).get("format") == "date-time"
            kind = kind.type
            continue
        some = [each for each in kind.types if not isinstance(each, kinds.NoneType)]
        if len(some) != 1:
            return "str"
        kind = some[0]
    if is_moment:
        return "datetime"
    for cls, held in _KINDS.items():
        if isinstance(kind, cls):
            return held
    return "str"


_KINDS: dict[type, Kind] = {
    kinds.BoolType: "bool",
    kinds.IntType: "int",
    kinds.FloatType: "float",
}


def _typed(value: Any, kind: Kind) -> Any:
    """A value as a column takes it: moments as such, and values of any kind as JSON."""
    if value is None:
        return None
    if kind == "datetime":
        return to_datetime(from_iso(value))
    if kind == "str" and not isinstance(value, str):
        return encode(value).decode()
    return value
