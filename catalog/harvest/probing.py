"""Probes: ask GPTs a question over chat completions, see whether and how they answer.

Each costs money, so they have budgets of their own: probes a day, and tokens a day. Both are taken
before anything is sent, tokens by an estimate of the most that a probe takes; what an answer says
it did not use is given back (rule 19).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import msgspec

from catalog.dialects.probing import (
    ANSWERED,
    SILENT,
    Reply,
    as_reading,
    model_name,
    parameters,
    probe_request,
    read_probe,
)
from catalog.errors import BudgetUsedUp, SettingsError, SourceRefused
from catalog.fetch.client import Asked, Fetcher
from catalog.harvest.desk import AskJob, Desk, surely
from catalog.harvest.questions import Questions, Tally
from catalog.intake import Failure, Taken
from catalog.records import Reading, Verdict
from catalog.secrets import Redactor
from catalog.settings import ProbeSettings, SourceSettings
from catalog.storage import engine as engines
from catalog.storage import failures, runs
from catalog.storage.probes import Probe, add_probe, largest_prompt
from catalog.storage.sources import BudgetKind, give_back, reserve
from catalog.storage.tombstones import forgotten_among
from catalog.text import escape_text
from catalog.times import day_of

COMMAND = "probe"
INSTRUCTIONS_TOKENS = 32_000
"""Tokens that a GPT's own instructions may take: they are 8,000 characters at most, of up to four
bytes each, and a token is at least a byte. Its tools and files stand in the prompt too: nobody
outside knows how many tokens they take, so the most that was seen at a source counts if it is more.
"""


class ProbeJob(AskJob, frozen=True, kw_only=True):
    """What is to be asked, and with what.

    Attributes:
        ids: the GPTs, each once.
        settings: the question and its parameters.
    """

    ids: Sequence[str]
    settings: ProbeSettings


class Probed(Tally, kw_only=True):
    """How probes ended: what every :class:`~catalog.harvest.questions.Tally` says, and this.

    Attributes:
        requested: GPTs to ask.
        answered: those that answered.
        silent: those that answered without a word.
        failed: those of which nothing came.
        tokens: tokens that the source counted.
        cost: by the prices that are set.
        forgotten: GPTs that were named and not asked: the catalog was told to forget them.
    """

    requested: int
    answered: int = 0
    silent: int = 0
    failed: int = 0
    tokens: int = 0
    cost: float = 0.0
    forgotten: int = 0


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """What probes may cost, before they are made: estimates.

    Attributes:
        probes: how many.
        tokens: at most; None where ``max_tokens`` does not bound the answers.
        cost: at most, by the prices that are set; None where it cannot be said.
    """

    probes: int
    tokens: int | None
    cost: float | None


def most_tokens(settings: ProbeSettings, prompt: int = 0) -> int | None:
    """Tokens that one probe is estimated to take at most; None where nothing bounds its answer.

    Args:
        settings: the question, of whose text a token takes at least one byte, and ``max_tokens``.
        prompt: the most that a prompt took at this source so far.
    """
    if settings.max_tokens is None:
        return None
    answers = settings.max_tokens * (settings.n or 1)
    return max(INSTRUCTIONS_TOKENS, prompt) + len(settings.question.encode()) + answers


def price(source: SourceSettings, settings: ProbeSettings, count: int, prompt: int = 0) -> Price:
    """What ``count`` probes may cost at a source; ``prompt`` as for :func:`most_tokens`."""
    each = most_tokens(settings, prompt)
    tokens = None if each is None else each * count
    of_tokens = source.price_per_1k_tokens
    if of_tokens is not None and tokens is None:
        cost = None
    else:
        cost = count * (source.price_per_request or 0.0) + (tokens or 0) / 1000 * (of_tokens or 0.0)
    return Price(probes=count, tokens=tokens, cost=cost)


class ProbeDesk(Desk):
    """A desk whose budget is that of probes, with one of tokens beside it."""

    budget: BudgetKind = "probes"

    @property
    def per_day(self) -> int | None:
        """Probes a day."""
        return self._source.probes_per_day

    @property
    def budget_words(self) -> str:
        """What the user is told when no probe is left."""
        return (
            f"source {self._source.name}: today's budget of {self.per_day} probes is used up. "
            "Run the same command again after 00:00 UTC, or raise probes_per_day"
        )

    def take_tokens(self, wanted: int) -> str | None:
        """Take tokens for one probe; the day they were taken from, or None if too few are left."""
        day = day_of(self._clock.now())
        with engines.write(self._engine) as conn:
            granted = reserve(
                conn, self.source_id, day, wanted, self._source.tokens_per_day, "tokens"
            )
            if granted < wanted:
                give_back(conn, self.source_id, day, granted, "tokens")
                return None
        return day

    def return_tokens(self, day: str, unused: int) -> None:
        """Give back what a probe did not use; one that used more than it took pays the rest."""
        with engines.write(self._engine) as conn:
            if unused >= 0:
                give_back(conn, self.source_id, day, unused, "tokens")
            else:
                reserve(conn, self.source_id, day, -unused, None, "tokens")


class Probing(Questions):
    """Probes under way.

    Args:
        job: what is to be asked.
        report: called with each GPT that ended, and what it said.

    Raises:
        SettingsError: the source allows no probes, or its tokens cannot be bounded.
    """

    def __init__(self, job: ProbeJob, report: Callable[[str, Reply], None]) -> None:
        if not job.source.probes_per_day:
            raise SettingsError(
                f"source {job.source.name} allows no probes: they cost money, so say how many with"
                f" probes_per_day in [sources.{job.source.name}]"
            )
        if job.source.tokens_per_day is not None and job.settings.max_tokens is None:
            raise SettingsError(
                f"source {job.source.name} has tokens_per_day, so a probe has to be bounded:"
                " set max_tokens in [probe]"
            )
        source = msgspec.structs.replace(
            job.source,
            read_timeout=job.settings.seconds,
            total_timeout=job.settings.seconds,
            # An answer that failed half-way was paid for: it is not bought again.
            max_attempts=1,
        )
        desk = ProbeDesk(job.engine, source, job.clock, job.rng)
        with engines.read(job.engine) as conn:
            gone = forgotten_among(conn, job.ids)
        ids = [gizmo_id for gizmo_id in job.ids if gizmo_id not in gone]
        super().__init__(desk, source, ids, key=job.key, clock=job.clock, rng=job.rng)
        self._job = job
        self._report = report
        self._redactor = Redactor(job.secrets)
        self._ledger = desk
        self._prompt = 0
        self._holding = 0
        self._tokens = asyncio.Condition()
        self._done = Probed(requested=len(ids), forgotten=len(gone))

    async def run(self) -> Probed:
        """Ask every GPT once.

        Raises:
            StorageError: the catalog cannot be used.
        """
        await self._put_each(self._done)
        return self._done

    def _open(self) -> runs.Run:
        with engines.read(self._job.engine) as conn:
            self._prompt = largest_prompt(conn, self._source.name)
        return self._desk.open_run(COMMAND)

    async def _put(self, fetcher: Fetcher, gizmo_id: str) -> None:
        request = probe_request(self._source, gizmo_id, self._job.settings)
        day, taken = await self._take_tokens()
        # Whatever comes of what was sent, it may have been paid for (rule 19).
        used = taken
        try:
            asked = await fetcher.ask(request, lambda answer: [as_reading(answer, gizmo_id)])
            reply = self._reply(asked)
            used = taken if reply.tokens is None else reply.tokens
            self._prompt = max(self._prompt, reply.prompt_tokens or 0)
            cost = await surely(self._desk.call(self._write, gizmo_id, asked, reply))
        except (SourceRefused, BudgetUsedUp):
            used = 0
            raise
        finally:
            await surely(self._return_tokens(day, taken - used))
        done = self._done
        done.answered += reply.verdict == ANSWERED
        done.silent += reply.verdict == SILENT
        done.failed += reply.verdict not in {ANSWERED, SILENT}
        done.tokens += reply.tokens or 0
        done.cost += cost or 0.0
        self._report(gizmo_id, reply)

    async def _take_tokens(self) -> tuple[str, int]:
        """Take what a probe may need; where too little is left, wait for what others return.

        Returns:
            The day they are of, and how many.

        Raises:
            BudgetUsedUp: no probe is in flight that could return any.
        """
        async with self._tokens:
            while True:
                wanted = most_tokens(self._job.settings, self._prompt) or 0
                day = await self._desk.call(self._ledger.take_tokens, wanted)
                if day is not None:
                    self._holding += 1
                    return day, wanted
                if not self._holding:
                    raise BudgetUsedUp(
                        f"source {self._source.name}: fewer than {wanted:,} tokens are left of its"
                        " tokens_per_day, and a probe may take as many. Run the same command again"
                        " after 00:00 UTC, or raise tokens_per_day"
                    )
                await self._tokens.wait()

    async def _return_tokens(self, day: str, unused: int) -> None:
        async with self._tokens:
            try:
                await self._desk.call(self._ledger.return_tokens, day, unused)
            finally:
                self._holding -= 1
                self._tokens.notify_all()

    def _reply(self, asked: Asked) -> Reply:
        if asked.answer is None:
            first = asked.readings[0]
            return Reply(verdict=first.verdict, detail=first.detail)
        body, _ = self._redactor.bytes(asked.answer.body)
        return read_probe(msgspec.structs.replace(asked.answer, body=body))

    def _write(self, gizmo_id: str, asked: Asked, reply: Reply) -> float | None:
        """Write down what came of one probe; what it cost."""
        job, answer = self._job, asked.answer
        at = answer.received_at if answer else job.clock.now()
        came = reply.verdict in {ANSWERED, SILENT}
        # What is no answer is kept among the failures.
        body, redacted = self._redactor.bytes(answer.body) if answer and came else (None, False)
        cost = self._cost(asked.requests, reply)
        probe = Probe(
            gizmo_id=gizmo_id,
            source_id=self._desk.source_id,
            run_id=self._desk.run.run_id,
            at=at,
            model=model_name(self._source, gizmo_id),
            question=escape_text(self._redactor.text(job.settings.question)),
            verdict=reply.verdict,
            status=answer.status if answer else 0,
            answer=escape_text(reply.text) if came else None,
            body=body,
            redacted=redacted,
            seconds=answer.seconds if answer else 0.0,
            streamed=job.settings.stream,
            first_seconds=answer.first_seconds if answer and job.settings.stream else None,
            prompt_tokens=reply.prompt_tokens,
            completion_tokens=reply.completion_tokens,
            finish_reason=escape_text(reply.finish_reason) if reply.finish_reason else None,
            parameters=self._redactor.text(
                msgspec.json.encode(parameters(job.settings), order="sorted").decode()
            ),
            cost=cost,
        )
        with engines.write(job.engine) as conn:
            add_probe(conn, probe)
            if not came:
                taken = self._failed(gizmo_id, asked, reply, at)
                failures.add_failures(conn, [self._desk.failure(taken)])
            self._desk.count(
                conn,
                requested=1,
                requests=asked.requests,
                documents=int(came),
                failed=int(not came),
            )
        return cost

    def _failed(self, gizmo_id: str, asked: Asked, reply: Reply, at: int) -> Taken:
        """What is kept of an answer that is none."""
        raw = asked.answer.body if asked.answer else asked.readings[0].payload
        body, redacted = self._redactor.bytes(raw)
        verdict = Verdict(reply.verdict)
        detail = self._redactor.text(reply.detail)
        status = asked.answer.status if asked.answer else 0
        return Taken(
            reading=Reading(asked=gizmo_id, verdict=verdict, detail=detail),
            failure=Failure(
                asked=gizmo_id,
                verdict=verdict,
                detail=detail,
                status=status,
                body=body,
                redacted=redacted,
                at=at,
            ),
        )

    def _cost(self, requests: int, reply: Reply) -> float | None:
        per_request, per_tokens = self._source.price_per_request, self._source.price_per_1k_tokens
        if per_request is None and per_tokens is None:
            return None
        return requests * (per_request or 0.0) + (reply.tokens or 0) / 1000 * (per_tokens or 0.0)
