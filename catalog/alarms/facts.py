"""What the rules are told: frozen records that a query gathers. Nothing here reads a clock."""

from __future__ import annotations

import msgspec

from catalog.times import Micros


class Capped(msgspec.Struct, frozen=True):
    """How many there are, counted up to a bound.

    Attributes:
        number: so many.
        exact: whether there are no more.
    """

    number: int
    exact: bool = True

    def __str__(self) -> str:
        """``1,234``, or ``100,000+`` where counting stopped."""
        return f"{self.number:,}{'' if self.exact else '+'}"


class GptFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The GPTs as a whole.

    Attributes:
        by_status: how many are listed, missing, gone.
        oldest_confirmed_at: when the listed GPT that was confirmed longest ago was.
        stale: listed GPTs confirmed before the ceiling.
        due: ids due now.
        due_since: since when the first of them is due.
        last_asked_at: when anything was last asked; where nothing ever was, since when it could.
    """

    by_status: dict[str, int] = {}
    oldest_confirmed_at: Micros | None = None
    stale: Capped = Capped(0)
    due: Capped = Capped(0)
    due_since: Micros | None = None
    last_asked_at: Micros | None = None

    @property
    def total(self) -> int:
        """All that ever had a document."""
        return sum(self.by_status.values())


class RunFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A run; the counts are those of :class:`catalog.storage.runs.Run`.

    Attributes:
        held: those about GPTs that have a document, which rule 6 holds back.
    """

    run_id: str
    command: str
    source: str
    started_at: Micros
    status: str
    reason: str | None = None
    requested: int = 0
    documents: int = 0
    not_found: int = 0
    mismatched: int = 0
    failed: int = 0
    left: int = 0
    held: int = 0

    @property
    def asked(self) -> int:
        """Ids that ended."""
        return self.requested - self.left


class Pair(msgspec.Struct, frozen=True):
    """Two visits to one GPT at one source, next to each other, that both brought a document.

    Attributes:
        before_at: the earlier.
        at: the later.
        moved: whether the documents differ in any byte.
        kept: whether both are one observation: a cache whose ``@timestamp`` did not move.
    """

    before_at: Micros
    at: Micros
    moved: bool
    kept: bool = False


class Likeness(msgspec.Struct, frozen=True, kw_only=True):
    """What a source's documents are like against those before them.

    Attributes:
        pairs: of its last runs, a sample of each.
        compared: documents of its last telling run that were compared with earlier ones.
        poorer: of them, those that lack much of what those had.
        example: one of these.
    """

    pairs: tuple[Pair, ...] = ()
    compared: int = 0
    poorer: int = 0
    example: str = ""


class Spent(msgspec.Struct, frozen=True, kw_only=True):
    """What was taken of a source's day.

    Attributes:
        kind: requests, probes or tokens.
        taken: so much.
        limit: of so much; None: without limit.
        cost: by the price that is set; None: none is.
    """

    kind: str
    taken: int
    limit: int | None = None
    cost: float | None = None

    @property
    def left(self) -> int | None:
        """What may still be taken; None: without limit."""
        return None if self.limit is None else max(0, self.limit - self.taken)


class SourceFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A source.

    Attributes:
        name: the source.
        last_document_at: when it last gave one.
        run: the last of its runs that tells of it.
        spent: of the UTC day.
        likeness: what its documents are like.
    """

    name: str
    last_document_at: Micros | None = None
    run: RunFacts | None = None
    spent: tuple[Spent, ...] = ()
    likeness: Likeness = Likeness()


class JobRunFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A run of a job that ended.

    Attributes:
        started_at: when it began.
        status: how it ended.
        message: for people.
        unmet: what was expected and did not come.
    """

    started_at: Micros
    status: str
    message: str = ""
    unmet: tuple[str, ...] = ()


class JobFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A job.

    Attributes:
        name: the job.
        asks: whether it asks the sources for what is due.
        is_scheduled: whether it has a schedule, be it one that nobody went by yet.
        period: the longest time between two of the slots around now; None: it has no schedule,
            or nobody ever went by it here.
        next_at: its next slot.
        owed_since: the first slot that was not taken, if one is owed.
        running: whether it runs now.
        waits: the jobs that run now and that it lets end first.
        missed: slots between the last two that were taken.
        missed_from: the slot before them.
        missed_until: the slot after them.
        runs: its last runs that ended, latest first.
        lease_until: when its lock ends, if somebody has it.
    """

    name: str
    asks: bool = False
    is_scheduled: bool = False
    period: Micros | None = None
    next_at: Micros | None = None
    owed_since: Micros | None = None
    running: bool = False
    waits: tuple[str, ...] = ()
    missed: int = 0
    missed_from: Micros | None = None
    missed_until: Micros | None = None
    runs: tuple[JobRunFacts, ...] = ()
    lease_until: Micros | None = None


class SchedulerFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The scheduler that was last here.

    Attributes:
        owner: which process.
        looked_at: when it last said so.
        until: till when that was to be believed; the same where it said that it ends.
    """

    owner: str
    looked_at: Micros
    until: Micros


class PlaceFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A folder that is written.

    Attributes:
        what: the catalog's, or that of reports and backups.
        free: bytes.
        total: bytes.
        writable: whether it can be.
    """

    what: str
    free: int
    total: int
    writable: bool = True


class PathFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A path that came, went, or is known to no table.

    Attributes:
        path: the path.
        source: whose documents; empty where that is not known.
        kind: appeared, vanished, type, or empty.
        at: when it was first, or last, said.
    """

    path: str
    source: str = ""
    kind: str = ""
    at: Micros


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """All that the rules look at.

    Attributes:
        gpts: the GPTs as a whole.
        sources: those of the settings that were ever used.
        jobs: those that were ever scheduled here or have run.
        scheduler: the last one; None: none was ever here.
        open_runs: runs that nobody works on, too old to be resumed.
        at_work: runs that a process works on, as far as that can be seen from here.
        cut_off: runs whose process is gone, young enough to be resumed.
        expired: ids whose lease ended, and was not freed.
        expired_since: when the first of them ended.
        unsettled: what stage 2 has still to look at.
        written_at: when an observation was last written.
        places: the folders that are written.
        drift: paths that came or went lately.
        unmapped: paths that no table knows, first said lately.
    """

    gpts: GptFacts = GptFacts()
    sources: tuple[SourceFacts, ...] = ()
    jobs: tuple[JobFacts, ...] = ()
    scheduler: SchedulerFacts | None = None
    open_runs: tuple[RunFacts, ...] = ()
    at_work: tuple[RunFacts, ...] = ()
    cut_off: tuple[RunFacts, ...] = ()
    expired: int = 0
    expired_since: Micros | None = None
    unsettled: Capped = Capped(0)
    written_at: Micros | None = None
    places: tuple[PlaceFacts, ...] = ()
    drift: tuple[PathFacts, ...] = ()
    unmapped: tuple[PathFacts, ...] = ()
