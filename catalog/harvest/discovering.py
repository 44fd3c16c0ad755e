"""Discovery: ask a source for the GPTs that match some words, and make their ids known.

What an answer names without a document becomes a discovery, archived item by item; a document in
it is observed like any other. New ids enter the frontier, due at once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import msgspec

from catalog.derive import Derivation
from catalog.dialects import Dialect, get_dialect
from catalog.fetch.client import Asked, Fetcher
from catalog.harvest.desk import AskJob, Desk, surely
from catalog.harvest.questions import Questions, Tally
from catalog.intake import take
from catalog.records import Answer, Mention, Reading, Verdict
from catalog.secrets import Redactor
from catalog.storage import engine as engines
from catalog.storage import failures, frontier, runs
from catalog.storage.locks import share_derivation
from catalog.storage.mentions import Named, add_named, without_forgotten
from catalog.storage.observe import FORGOTTEN, observe
from catalog.storage.stage2 import settle
from catalog.text import escape_text
from catalog.times import Micros

COMMAND = "discover"


class DiscoverJob(AskJob, frozen=True, kw_only=True):
    """What is to be searched for, and with what.

    Attributes:
        queries: the words, each once.
    """

    queries: Sequence[str]


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """How one query ended.

    Attributes:
        query: the words.
        verdict: ``document`` where the source answered, else why there is no answer.
        named: ids that the answer names, with or without a document.
        new: of them, those not known before.
        documents: documents in it.
        forgotten: ids in it that the catalog was told to forget: nothing of them was kept.
        detail: what the source said, where it did not answer.
    """

    query: str
    verdict: Verdict
    named: int = 0
    new: int = 0
    documents: int = 0
    forgotten: int = 0
    detail: str = ""


class Discovered(Tally, kw_only=True):
    """How a discovery ended: what every :class:`~catalog.harvest.questions.Tally` says, and this.

    Attributes:
        queries: queries to ask.
        answered: those that were answered.
        failed: those that were not.
        named: ids named, counted once a query.
        new: of them, those not known before.
        documents: documents that came with them.
        forgotten: ids that the catalog was told to forget, counted once a query: nothing was kept.
        each: the queries, as they ended.
    """

    queries: int
    answered: int = 0
    failed: int = 0
    named: int = 0
    new: int = 0
    documents: int = 0
    forgotten: int = 0
    each: list[Answered] = msgspec.field(default_factory=list)


class Discovering(Questions):
    """One discovery under way.

    Args:
        job: what is to be searched for.
        report: called with each query that ended.
    """

    def __init__(self, job: DiscoverJob, report: Callable[[Answered], None]) -> None:
        super().__init__(
            Desk(job.engine, job.source, job.clock, job.rng),
            job.source,
            job.queries,
            key=job.key,
            clock=job.clock,
            rng=job.rng,
        )
        self._job = job
        self._report = report
        self._redactor = Redactor(job.secrets)
        self._derivation = Derivation()
        self._dialect: Dialect = get_dialect(job.source)
        self._done = Discovered(queries=len(job.queries))

    async def run(self) -> Discovered:
        """Ask every query once.

        Raises:
            StorageError: the catalog cannot be used.
        """
        for query in self._job.queries:
            self._dialect.search(query)  # raises before anything is asked
        await self._put_each(self._done)
        place = {query: index for index, query in enumerate(self._job.queries)}
        self._done.each.sort(key=lambda each: place[each.query])
        return self._done

    async def _put(self, fetcher: Fetcher, query: str) -> None:
        answered = await self._ask(fetcher, query)
        done = self._done
        done.each.append(answered)
        done.answered += answered.verdict is Verdict.DOCUMENT
        done.failed += answered.verdict is not Verdict.DOCUMENT
        done.named += answered.named
        done.new += answered.new
        done.documents += answered.documents
        done.forgotten += answered.forgotten
        self._report(answered)

    async def _ask(self, fetcher: Fetcher, query: str) -> Answered:
        heard = _Heard()

        def read(answer: Answer) -> list[Reading]:
            body, found = self._redactor.bytes(answer.body)
            heard.redacted = heard.redacted or found
            heard.mentions, readings = self._dialect.read_search(
                msgspec.structs.replace(answer, body=body)
            )
            return readings

        asked = await fetcher.ask(self._dialect.search(query), read)
        return await surely(self._desk.call(self._write, query, asked, heard))

    def _open(self) -> runs.Run:
        ids = "\n".join(sorted(self._job.queries)).encode()
        return self._desk.open_run(COMMAND, hashlib.sha256(ids).hexdigest())

    def _write(self, query: str, asked: Asked, heard: _Heard) -> Answered:
        """Archive what an answer brought, in one transaction, and count it into the run."""
        at = asked.answer.received_at if asked.answer else self._job.clock.now()
        words = self._redactor.text(query)
        taken = [
            take(
                msgspec.structs.replace(reading, asked=reading.asked or words),
                source=self._job.source.name,
                run_id=self._desk.run.run_id,
                received_at=at,
                said_at=(),
                redactor=self._redactor,
                normalize=self._derivation.document,
                redacted=heard.redacted,
            )
            for reading in (*asked.readings, *asked.earlier)
        ]
        facts = [each.observation for each in taken if each.observation is not None]
        ids = {o.gizmo_id for o in facts} | {mention.gizmo_id for mention in heard.mentions}
        with engines.write(self._job.engine) as conn:
            share_derivation(conn)
            engines.lock_keys(conn, ids)
            observed = observe(conn, self._derivation, facts)
            named = [_named(mention, words, at, heard) for mention in heard.mentions]
            named = without_forgotten(conn, named)
            kept = {
                o.gizmo_id
                for o, effect in zip(facts, observed.effects, strict=True)
                if effect != FORGOTTEN
            }
            gone = ids - kept.union(each.gizmo_id for each in named)
            ids -= gone
            documents = len(facts) - observed.effects.count(FORGOTTEN)
            add_named(conn, self._desk.source_id, named)
            failures.add_failures(
                conn, [self._desk.failure(each) for each in taken if each.failure]
            )
            new = frontier.add_ids(conn, ids, self._job.clock.now())
            self._desk.count(conn, documents=documents, requests=asked.requests)
        trouble = next((each.reading for each in taken if each.failure), None)
        answered = bool(heard.mentions or facts) or trouble is None
        return Answered(
            query=query,
            verdict=Verdict.DOCUMENT if answered or trouble is None else trouble.verdict,
            named=len(ids),
            new=new,
            documents=documents,
            forgotten=len(gone),
            detail="" if answered or trouble is None else trouble.detail,
        )

    def _close(self) -> None:
        super()._close()
        with engines.write(self._job.engine) as conn:
            settle(conn, self._derivation)


class _Heard(msgspec.Struct):
    """What an answer names without its document, and whether a secret was replaced in it."""

    mentions: list[Mention] = []
    redacted: bool = False


def _named(mention: Mention, words: str, at: Micros, heard: _Heard) -> Named:
    return Named(
        gizmo_id=mention.gizmo_id,
        query=words,
        at=at,
        rank=mention.rank,
        title=escape_text(mention.title),
        payload=mention.payload,
        redacted=heard.redacted,
    )
