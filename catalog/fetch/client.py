"""Asks a source, politely and within its budget, and says how it went.

Does not know what an answer means: the caller's ``read`` does, and its verdicts say whether asking
again can help. An answer that was paid for is always handed out, whatever happens next.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple, Self

import httpx
import msgspec

from catalog import __version__
from catalog.errors import (
    BudgetUsedUp,
    FetchError,
    FetchTerminal,
    SettingsError,
    SourceRefused,
)
from catalog.fetch.breaker import Breaker
from catalog.fetch.decode import ACCEPT_ENCODING, Body
from catalog.fetch.limits import Budget, LoopTimer, Pace, Share, Timer
from catalog.fetch.retry import delay, retry_after, worth_repeating
from catalog.fetch.transport import NETWORK_ERRORS, explain, make_client
from catalog.records import Answer, Reading, Request, Verdict
from catalog.secrets import MIN_LENGTH, Redactor
from catalog.times import day_of

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable, Callable, Sequence
    from types import TracebackType

    from catalog.settings import SourceSettings
    from catalog.times import Clock

MAX_REDIRECTS = 3
_REDIRECTS = {"GET": frozenset({301, 302, 303, 307, 308}), "POST": frozenset({307, 308})}
_MOVED = frozenset({301, 302, 303, 307, 308})
_PORTS: dict[str, int] = {"http": 80, "https": 443}
_LONGEST_PLACE = 100


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """How one question went.

    Attributes:
        readings: what ``read`` made of the last answer; where none came, one ``unavailable``
            reading for each asked id, or a single one where none was asked for.
        requests: HTTP requests sent, redirects and repeats included.
        attempts: how often the question was put.
        answer: the last answer, if one came.
        earlier: what ``read`` made of the bytes of the attempts before the last, to be kept: no
            facts about asked ids, since those end the repeating. Where an attempt's bytes say the
            same of several ids they are one reading, its ``asked`` the ids joined by commas.
    """

    readings: tuple[Reading, ...]
    requests: int
    attempts: int
    answer: Answer | None = None
    earlier: tuple[Reading, ...] = ()


class Withdrawn(Exception):
    """A question was not put, as whoever had it does not want it put any more."""


class _Try(NamedTuple):
    """One attempt: an answer, or why there is none and what had come of it by then."""

    requests: int
    answer: Answer | None = None
    error: FetchError | None = None
    arrived: bytes = b""


class Fetcher:
    """Asks one source; an async context manager, for one event loop.

    Any number of questions may wait at once: what is sent obeys the source's rate, concurrency and
    budget. A cancelled question leaves no connection behind.

    Args:
        source: whom to ask, and within which limits.
        key: sent as ``Authorization: Bearer``; None sends none.
        clock: says when an answer arrived.
        rng: where jitter comes from.
        reserve: asks for a number of requests of today's budget and says how many are granted;
            None where the source has no budget. What was granted and not sent is in
            :attr:`unspent` after closing: hand it back.
        budget_words: what the user is told when that budget is used up; None: that it is
            ``requests_per_day``.
        share: asks for a share of the source's rate: requests a second, and for how many seconds;
            None where nobody else asks the source.
        timer: real time, for pace and waiting.

    Raises:
        SettingsError: the key can be none, or the environment names a proxy that cannot be used.
    """

    def __init__(
        self,
        source: SourceSettings,
        *,
        key: str | None,
        clock: Clock,
        rng: random.Random,
        reserve: Callable[[int], Awaitable[int]] | None = None,
        budget_words: str | None = None,
        share: Callable[[], Awaitable[tuple[float, float]]] | None = None,
        timer: Timer | None = None,
    ) -> None:
        self._source = source
        self._clock = clock
        self._rng = rng
        self._timer = timer or LoopTimer()
        self._redactor = Redactor([key] if key else [])
        self._client = make_client(source, _headers(source, key))
        self._permits = asyncio.Semaphore(source.max_concurrency)
        self._pace = Pace(source.requests_per_second)
        self._share = Share(share, self._pace, self._timer, self._wake)
        self._budget = Budget(
            reserve,
            rate=source.requests_per_second,
            words=budget_words or _budget_words(source),
            today=lambda: day_of(clock.now()),
        )
        self._breaker = Breaker(
            source.name, key_from=source.api_key_env, failures=source.breaker_failures
        )
        self._resting: set[asyncio.Future[None]] = set()
        self.requests = 0

    @property
    def stopped(self) -> str | None:
        """Why nothing more is sent, in words for the user; None while all is well."""
        return self._breaker.reason

    @property
    def unspent(self) -> int:
        """Requests that the budget granted and that were not sent; final after closing."""
        return self._budget.unspent

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Let go of all connections. End or cancel all questions before."""
        await self._budget.close()
        await self._share.close()
        await self._client.aclose()

    def stop(self, reason: str) -> None:
        """Send nothing more: questions that wait to be repeated end with what they have.

        Args:
            reason: for the user; the first one given stays.
        """
        self._breaker.open(reason)
        self._wake()

    async def ask(
        self,
        request: Request,
        read: Callable[[Answer], Sequence[Reading]],
        *,
        still: Callable[[], bool] = lambda: True,
    ) -> Asked:
        """Put a question until it is answered or repeating cannot help.

        Args:
            request: the question.
            read: what an answer says: first one reading for each asked id, in order.
            still: whether it is still to be put; asked right before each sending.

        Raises:
            Withdrawn: nothing was sent, since it is not.
            SourceRefused: nothing was sent, since the source refuses the key, is down, or
                :meth:`stop` was called; see :attr:`stopped`.
            BudgetUsedUp: nothing was sent, since today's requests are spent.
        """
        requests = attempts = 0
        earlier: tuple[Reading, ...] = ()
        tried = await self._try(request, still)
        while True:
            requests += tried.requests
            attempts += 1
            asked = Asked(
                readings=self._read(request, tried, read),
                requests=requests,
                attempts=attempts,
                answer=tried.answer,
                earlier=earlier,
            )
            if not await self._look_back(request, tried, asked):
                break
            try:
                tried = await self._try(request, still)
            except (SourceRefused, BudgetUsedUp, Withdrawn):
                break
            earlier += _kept(asked.readings)
        self._breaker.record(_about_asked(request, asked), answered=asked.answer is not None)
        if self.stopped:
            self._wake()
        return asked

    async def _look_back(self, request: Request, tried: _Try, asked: Asked) -> bool:
        """Draw what an attempt teaches about the source; wait if the question is to be repeated."""
        readings = _about_asked(request, asked)
        verdicts = {reading.verdict for reading in readings}
        if any(verdict.is_fact for verdict in verdicts):
            self._pace.recover()
        if isinstance(tried.error, FetchTerminal) or not worth_repeating(tried.answer, readings):
            return False
        wait = self._asked_to_wait(tried.answer, readings)
        if wait is not None and wait > self._source.retry_after_max:
            self.stop(
                f"source {self._source.name} asks to wait {wait:.0f} s, longer than its "
                f"retry_after_max ({self._source.retry_after_max:g} s). "
                "Run the same command again after that time"
            )
            return False
        backoff = delay(
            asked.attempts,
            base=self._source.backoff_base,
            ceiling=self._source.backoff_max,
            rng=self._rng,
        )
        last = asked.attempts >= self._source.max_attempts
        if wait is not None or Verdict.THROTTLED in verdicts:
            # The next request of any question waits for it, this one's repeat among them.
            self._pace.pause(self._timer.monotonic(), backoff if wait is None else wait)
        elif not last:
            await self._rest(backoff)
        return not last

    def _asked_to_wait(self, answer: Answer | None, readings: Sequence[Reading]) -> float | None:
        """Seconds that the source wants to be left alone, by its header or its words."""
        waits = [each.retry_after for each in readings if each.retry_after is not None]
        if answer is not None:
            header = retry_after(answer.headers, answer.received_at)
            waits += [] if header is None else [header]
        return max(waits, default=None)

    def _read(
        self, request: Request, tried: _Try, read: Callable[[Answer], Sequence[Reading]]
    ) -> tuple[Reading, ...]:
        """The readings of one attempt, without the key where the source repeats it (law 10)."""
        if tried.answer is None:
            return _unanswered(request, tried)
        return tuple(
            msgspec.structs.replace(reading, detail=self._redactor.text(reading.detail))
            if reading.detail
            else reading
            for reading in read(tried.answer)
        )

    async def _try(self, request: Request, still: Callable[[], bool]) -> _Try:
        """Send the question once, and on to where it moved within the same source.

        Raises:
            SourceRefused, BudgetUsedUp, Withdrawn: nothing was sent.
        """
        url = request.url
        sent = 0
        async with self._permits:
            while True:
                try:
                    await self._leave(still if not sent else lambda: True)
                except (SourceRefused, BudgetUsedUp) as error:
                    if not sent:
                        raise
                    return _Try(sent, error=FetchTerminal(f"it redirects, but {error}"))
                sent += 1
                self.requests += 1
                came: list[Body] = []
                began = self._timer.monotonic()
                try:
                    response, body, first = await self._exchange(request, url, came)
                except (FetchError, *NETWORK_ERRORS) as error:
                    return _broken_off(sent, explain(error), came)
                answer = Answer(
                    status=response.status_code,
                    headers=dict(response.headers.items()),
                    body=body,
                    received_at=self._clock.now(),
                    seconds=self._timer.monotonic() - began,
                    first_seconds=first - began,
                )
                target = _moved_to(answer, url)
                if target is None:
                    return _Try(sent, answer)
                refusal = self._refusal(request, answer, url, target, sent)
                if refusal:
                    return _Try(sent, error=FetchTerminal(refusal))
                url = str(target)

    async def _leave(self, still: Callable[[], bool]) -> None:
        """Wait until a request may be sent, and spend it."""
        self._check_open()
        day = await self._budget.take()
        try:
            await self._turn()
            self._check_open(still)
        except BaseException:
            self._budget.give_back(day)
            raise

    def _check_open(self, still: Callable[[], bool] = lambda: True) -> None:
        if self.stopped:
            raise SourceRefused(self.stopped)
        if not still():
            raise Withdrawn

    async def _turn(self) -> None:
        """Wait for a moment of the pace that is ours; a pause or another share voids it."""
        while not self.stopped:
            await self._share.hold()
            pauses = self._pace.pauses
            wait = self._pace.slot(self._timer.monotonic()) - self._timer.monotonic()
            if wait > 0:
                await self._rest(wait)
            # A slow source's moments lie further apart than a share lasts: it is renewed, and the
            # moment is still ours unless the pace has changed.
            await self._share.hold()
            if pauses == self._pace.pauses:
                return

    async def _rest(self, seconds: float) -> None:
        """Wait, but not once the source is stopped."""
        if self.stopped:
            return
        sleeper = asyncio.ensure_future(self._timer.sleep(seconds))
        self._resting.add(sleeper)
        try:
            await asyncio.wait({sleeper})
        finally:
            self._resting.discard(sleeper)
            sleeper.cancel()

    def _wake(self) -> None:
        for sleeper in self._resting:
            sleeper.cancel()

    async def _exchange(
        self, request: Request, url: str, came: list[Body]
    ) -> tuple[httpx.Response, bytes, float]:
        """One request, the whole body of its answer, and when the body began to come.

        ``came`` has the body also where it is cut.
        """
        first: float | None = None
        async with (
            asyncio.timeout(self._source.total_timeout),
            self._client.exchange(request.method, url, request.body) as response,
        ):
            encoding = response.headers.get("content-encoding", "")
            body = Body(encoding, self._source.max_body_bytes)
            came.append(body)
            async for chunk in response.aiter_raw():
                if first is None:
                    first = self._timer.monotonic()
                body.feed(chunk)
        return response, body.finish(), self._timer.monotonic() if first is None else first

    def _refusal(
        self, request: Request, answer: Answer, url: str, target: httpx.URL, sent: int
    ) -> str:
        """Why the question does not follow a redirect to ``target``; empty where it does."""
        there = _origin(target)
        if there != _origin(httpx.URL(url)):
            place = self._redactor.text(there)[:_LONGEST_PLACE]
            return (
                f"it redirects to {place!r}, where the key is not sent: "
                "if the source has moved there, set its base_url"
            )
        if answer.status not in _REDIRECTS.get(request.method, ()):
            return "it redirects a question that cannot be put as it was"
        if sent > MAX_REDIRECTS:
            return f"it redirects more than {MAX_REDIRECTS} times"
        return ""


def _headers(source: SourceSettings, key: str | None) -> httpx.Headers:
    """What every request says; httpx hides the key where its headers are printed."""
    headers = httpx.Headers(
        {
            "user-agent": f"gpts-catalog/{__version__}",
            "accept": "application/json",
            "accept-encoding": ACCEPT_ENCODING,
        }
    )
    if key is not None:
        if len(key) < MIN_LENGTH or not key.isascii() or not key.isprintable() or " " in key:
            raise SettingsError(
                f"source {source.name}: its key can be none: it is too short, "
                "or has a character that no HTTP header may carry"
            )
        headers["authorization"] = f"Bearer {key}"
    return headers


def _budget_words(source: SourceSettings) -> str:
    limit = f" of {source.requests_per_day} requests" if source.requests_per_day else ""
    return (
        f"source {source.name}: today's budget{limit} is used up. "
        "Run the same command again after 00:00 UTC, or raise requests_per_day"
    )


def _about_asked(request: Request, asked: Asked) -> tuple[Reading, ...]:
    """The readings that answer the question: the rest are documents that nobody asked for."""
    return asked.readings[: len(request.asked)] if request.asked else asked.readings


def _unanswered(request: Request, tried: _Try) -> tuple[Reading, ...]:
    """A failure is not a fact: it is only noted for each id (law 4)."""
    return tuple(
        Reading(
            asked=gizmo_id,
            verdict=Verdict.UNAVAILABLE,
            payload=tried.arrived,
            detail=str(tried.error),
        )
        for gizmo_id in request.asked or ("",)
    )


def _broken_off(sent: int, error: FetchError, came: Sequence[Body]) -> _Try:
    """An attempt whose answer did not come whole; of one that is too large nothing is kept."""
    cut = not isinstance(error, FetchTerminal)
    return _Try(sent, error=error, arrived=b"".join(body.arrived for body in came) if cut else b"")


def _kept(readings: Sequence[Reading]) -> tuple[Reading, ...]:
    """The readings of an attempt that is repeated, each payload once; without one nothing came."""
    alike: dict[tuple[bytes, Verdict], list[Reading]] = {}
    for reading in readings:
        if reading.payload:
            alike.setdefault((reading.payload, reading.verdict), []).append(reading)
    return tuple(
        msgspec.structs.replace(same[0], asked=",".join(each.asked for each in same if each.asked))
        for same in alike.values()
    )


def _moved_to(answer: Answer, url: str) -> httpx.URL | None:
    """Where a redirect leads, if the answer is one that leads anywhere."""
    location = answer.headers.get("location")
    if answer.status not in _MOVED or not location:
        return None
    try:
        return httpx.URL(url).join(location)
    except httpx.InvalidURL:
        return None


def _origin(url: httpx.URL) -> str:
    """Scheme, host and port: what the key belongs to."""
    port = url.port or _PORTS.get(url.scheme)
    return f"{url.scheme}://{url.host}:{port}"
