"""Serves operations: parameters in, an answer or a problem out, and nothing sent twice."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from http import HTTPStatus
from typing import IO, TYPE_CHECKING, Any, cast
from urllib.parse import parse_qsl

import anyio
import msgspec
from anyio import to_thread
from starlette.datastructures import Headers
from starlette.responses import Response

import catalog
from catalog.errors import CatalogError
from catalog.query.console import Stop
from catalog.web.api import encoding, queries
from catalog.web.api.downloads import FORMS, TYPES, Table, send_file, table, write
from catalog.web.api.operations import Asked, Operation
from catalog.web.api.parameters import MOST_PAIRS, read
from catalog.web.api.problems import Refused, problem, respond
from catalog.wording.rows import Form

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from catalog.web.reading import Reading

METHODS = ("GET", "HEAD", "OPTIONS")
ALLOW = {"Allow": ", ".join(METHODS)}
LONGEST_QUERY = 60_000
"""Bytes of an address's query."""
REMEMBERED = 16 * 2**20
"""Bytes of answers that are remembered as long as the catalog's state lasts."""
LARGEST_REMEMBERED = 2**20
DOWNLOADS = 4
"""Files that are made at once: each holds a connection."""
CONSOLES = 4
"""Queries in SQL that run at once: each is a process."""
PAGED = frozenset({"limit", "after"})
"""What a download has no use for, where there are pages."""
_NOBODY = "somebody else's are under way: try again in some seconds"


class Answers:
    """Answers that were given, by their tags: equal ones mean equal answers. From any thread."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._held: OrderedDict[str, bytes] = OrderedDict()
        self._size = 0

    def get(self, tag: str) -> bytes | None:
        """The answer of a tag, if it is remembered."""
        with self._guard:
            if tag not in self._held:
                return None
            self._held.move_to_end(tag)
            return self._held[tag]

    def put(self, tag: str, body: bytes) -> None:
        """Remember an answer; those that were asked for longest ago go."""
        if len(body) > LARGEST_REMEMBERED:
            return
        with self._guard:
            self._size += len(body) - len(self._held.pop(tag, b""))
            self._held[tag] = body
            while self._size > REMEMBERED:
                self._size -= len(self._held.popitem(last=False)[1])


class Slots:
    """So many of a kind at once. Used from the loop alone.

    Args:
        most: how many.
    """

    def __init__(self, most: int) -> None:
        self._free = most

    def __enter__(self) -> None:
        """Take one.

        Raises:
            Refused: none is free.
        """
        if not self._free:
            raise Refused("busy", _NOBODY)
        self._free -= 1

    def __exit__(self, *_: object) -> None:
        """Give it back."""
        self._free += 1


class Shared:
    """What all operations of a server share."""

    def __init__(self) -> None:
        self.answers = Answers()
        self.downloads = Slots(DOWNLOADS)
        self.consoles = Slots(CONSOLES)


class Given(msgspec.Struct, frozen=True):
    """A body, or that it is the same as before.

    Attributes:
        tag: names it.
        body: None: whoever asked has it.
    """

    tag: str
    body: bytes | None


class Endpoint:
    """Answers at one path, by any method. What inherits from it says what.

    Args:
        path: the path, with ``{name}`` for its parameters.
        question: the struct that declares the parameters.
        without: parameters that are not taken here.
    """

    def __init__(self, path: str, question: type, without: frozenset[str] = frozenset()) -> None:
        self.path = path
        self._question = question
        self._without = without

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        refused = refusal(scope)
        if refused is not None:
            await refused(scope, receive, send)
            return
        try:
            question = self.read(scope)
            asked = Asked(scope["app"].state.reading, question)
            await self.answer(asked, scope, receive, send)
        except CatalogError as error:
            in_path = "ref" in scope.get("path_params", {})
            await problem(error, in_path=in_path)(scope, receive, send)

    def read(self, scope: Scope) -> Any:
        """What is asked for.

        Raises:
            Refused: the address is not as declared.
        """
        raw = scope["query_string"]
        if len(raw) > LONGEST_QUERY:
            raise Refused("too-long", f"the query of an address may have {LONGEST_QUERY:,} bytes")
        try:
            pairs = parse_qsl(
                raw.decode("latin-1"), keep_blank_values=True, max_num_fields=MOST_PAIRS
            )
        except ValueError:
            raise Refused("too-long", f"an address may have {MOST_PAIRS:,} parameters") from None
        in_path = dict(scope.get("path_params", {}))
        in_path.pop("form", None)
        return read(self._question, self.path, pairs, in_path, without=self._without)

    async def answer(self, asked: Asked, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what is asked.

        Raises:
            CatalogError: it cannot be answered; nothing was sent yet.
        """
        raise NotImplementedError


class Json(Endpoint):
    """An operation's answer in JSON.

    Args:
        operation: the operation.
        shared: what all operations share.
    """

    def __init__(self, operation: Operation, shared: Shared) -> None:
        super().__init__(operation.path, operation.question)
        self._operation = operation
        self._shared = shared

    async def answer(self, asked: Asked, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what is asked, or say that it is as it was."""
        known = Headers(scope=scope).get("if-none-match", "")
        operation, reading = self._operation, asked.reading
        if operation.remembered:
            key = ("api", operation.name, asked.question)
            plain = await reading.remember(key, lambda _: operation.ask(asked))
            given = _of_body(encoding.encode(plain), known)
        elif operation.lasts == "state":
            given = await reading.ask(lambda _: self._by_state(asked, scope, known))
        else:
            given = await reading.ask(
                lambda _: _of_body(encoding.encode(operation.ask(asked)), known)
            )
        await respond_with(given, encoding.TYPE, scope, receive, send)

    def _by_state(self, asked: Asked, scope: Scope, known: str) -> Given:
        return by_state(
            asked.reading,
            scope,
            known,
            self._shared.answers,
            lambda: encoding.encode(self._operation.ask(asked)),
        )


class Console(Endpoint):
    """A query's rows in JSON; it ends when whoever asked goes.

    Args:
        operation: the operation.
        shared: what all operations share.
    """

    def __init__(self, operation: Operation, shared: Shared) -> None:
        super().__init__(operation.path, operation.question)
        self._shared = shared

    async def answer(self, asked: Asked, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the query."""
        stop = Stop()

        async def watch() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            stop.set()

        found: Any = None
        with self._shared.consoles:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(watch)
                found = await to_thread.run_sync(_caught(lambda: queries.answer(asked, stop)))
                tasks.cancel_scope.cancel()
        if isinstance(found, CatalogError):
            raise found
        body = await to_thread.run_sync(encoding.encode, found)
        known = Headers(scope=scope).get("if-none-match", "")
        await respond_with(_of_body(body, known), encoding.TYPE, scope, receive, send)


class Download(Endpoint):
    """An operation's answer as a file, whole.

    Args:
        operation: the operation.
        shared: what all operations share.
    """

    def __init__(self, operation: Operation, shared: Shared) -> None:
        fields = {field.encode_name for field in msgspec.structs.fields(operation.question)}
        super().__init__(
            download_path(operation),
            operation.question,
            PAGED if "after" in fields else frozenset(),
        )
        self._operation = operation
        self._shared = shared

    async def answer(self, asked: Asked, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file."""
        form = _form(scope)
        name = self._operation.path.rpartition("/")[2].strip("{}")
        headers = {
            "Content-Type": TYPES[form],
            "Content-Disposition": f'attachment; filename="{name}.{form}"',
            "Cache-Control": "private, no-store",
        }
        if scope["method"] == "HEAD":
            await Response(headers=headers)(scope, receive, send)
            return
        stop = Stop()
        with self._shared.downloads:
            await send_file(
                lambda file: self._write(asked, form, stop, file),
                scope,
                receive,
                send,
                headers=headers,
                stop=stop.set,
            )

    def _write(self, asked: Asked, form: Form, stop: Stop, file: IO[bytes]) -> None:
        rows = self._operation.rows
        if rows is not None:
            write(form, table(rows.each, rows.all(asked), form), file)
            return
        with queries.run(asked, stop, None) as result:
            write(form, Table(columns=result.columns, rows=result), file)


class Static(Endpoint):
    """An answer that is always the same.

    Args:
        path: where.
        question: the struct that declares that nothing is asked.
        body: the answer.
        media_type: its type.
    """

    def __init__(
        self, path: str, question: type, body: Callable[[], bytes], media_type: str
    ) -> None:
        super().__init__(path, question)
        self._body = body
        self._type = media_type

    async def answer(self, asked: Asked, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        del asked
        known = Headers(scope=scope).get("if-none-match", "")
        await respond_with(_of_body(self._body(), known), self._type, scope, receive, send)


def download_path(operation: Operation) -> str:
    """Where an operation's answer is had as a file."""
    return operation.path + ".{form}"


def refusal(scope: Scope) -> Response | None:
    """The answer to a method that is not for reading; None: it is."""
    if scope["method"] == "OPTIONS":
        return Response(status_code=HTTPStatus.NO_CONTENT, headers=ALLOW)
    if scope["method"] not in METHODS:
        return respond(
            "not-allowed", "everything here is read with GET; nothing is changed", headers=ALLOW
        )
    return None


def by_state(
    reading: Reading, scope: Scope, known: str, answers: Answers, make: Callable[[], bytes]
) -> Given:
    """An answer that holds as long as the catalog's state; blocks.

    Args:
        reading: the catalog.
        scope: of the request: its address names the answer.
        known: the tags that whoever asks has.
        answers: where answers are remembered.
        make: finds the answer.
    """
    # Asked before the answer is looked for, as it has to be.
    state = reading.reader.state()
    named = "\0".join((catalog.__version__, state, scope["path"]))
    digest = hashlib.sha256(named.encode() + b"\0" + scope["query_string"]).hexdigest()
    tag = f'W/"{digest[:32]}"'
    if is_known(tag, known):
        return Given(tag, None)
    body = answers.get(tag)
    if body is None:
        body = make()
        answers.put(tag, body)
    return Given(tag, body)


def is_known(tag: str, known: str) -> bool:
    """Whether ``If-None-Match`` names a tag (RFC 9110, 13.1.2)."""
    tags = {each.strip().removeprefix("W/") for each in known.split(",")}
    return tag.removeprefix("W/") in tags or tags == {"*"}


async def respond_with(
    given: Given, media_type: str, scope: Scope, receive: Receive, send: Send
) -> None:
    """Send an answer, or that it is as it was."""
    headers = {"ETag": given.tag, "Cache-Control": "private, no-cache"}
    if given.body is None:
        answer = Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    elif scope["method"] == "HEAD":
        headers |= {"Content-Length": str(len(given.body)), "Content-Type": media_type}
        answer = Response(headers=headers)
    else:
        answer = Response(given.body, headers=headers, media_type=media_type)
    await answer(scope, receive, send)


def _of_body(body: bytes, known: str) -> Given:
    """An answer that its own bytes name."""
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    return Given(tag, None if is_known(tag, known) else body)


def _form(scope: Scope) -> Form:
    form = scope["path_params"]["form"]
    if form not in FORMS:
        raise Refused(
            "invalid-parameter",
            f"form: there is no {form!r}; take one of {', '.join(FORMS)}",
            status=HTTPStatus.NOT_FOUND,
            parameter="form",
        )
    return cast("Form", form)


def _caught(work: Callable[[], Any]) -> Callable[[], Any]:
    """``work`` with its error in the place of its answer: a group of tasks would wrap it."""

    def run() -> Any:
        try:
            return work()
        except CatalogError as error:
            return error

    return run
