"""Every kind of alarm: what it means, when it is raised, and what to do. The page is made of it."""

from __future__ import annotations

from typing import Literal

import msgspec

from catalog.times import DAY, HOUR, Micros

GIB = 2**30

DEAD_LEAST = 5
"""A run of fewer ids tells of its source only where none of the last runs was larger: one id asked
by hand is no picture of it."""
FAILING_SHARE = 0.5
"""Below it a source that loses some answers is slow, not down: the ids are asked again anyhow."""
FROZEN_EXPECTED = 12.0
"""So many documents should have moved, by how often they did before, and none has: by chance that
happens once in 160,000 looks (e to the power of 12), so never in 90 days of any catalog."""
FROZEN_PRIOR = 1.0
"""One document that moved and one that did not stand for what is known before anything is: half of
them are then expected to move between two visits."""
FROZEN_SPAN: Micros = 20 * HOUR
"""A daily job sees a freeze in its first or second run after it; less than a day is a quiet one."""
UNMOVED_SPAN: Micros = 44 * HOUR
"""A cache may hold what it has for a day; when it does for two, nobody fills it any more."""
POORER_SHARE = 0.2
"""One author in a hundred empties a GPT on a day; one in five never did."""
POORER_LEAST = 5
"""With fewer it may be their authors, unless it is all that were compared."""
POORER_FIELDS = 0.3
"""The share of a document's filled fields that has to be gone: no author's edit of one field, and
no field that the platform drops, comes to that."""
MISSING_SHARE = 0.2
"""As rule 6 has it: beyond it a run's not-founds are held back."""
MISSING_LEAST = 5
"""As rule 6 has it: so few count whatever their share."""
QUIET: Micros = 48 * HOUR
"""Without a schedule; a person who asks every day is a day late by then."""
QUIET_PERIODS = 1.5
"""With one: half a period late, and well within two."""
STALE_GRACE: Micros = 2 * DAY
"""The ceiling is kept by daily runs, with some jitter."""
STALE_SHARE = 0.01
"""A GPT here and there that no source can answer is told by the runs; a hundredth is a backlog."""
LATE_PERIODS = 1.0
"""A slot that its successor overtakes was not merely slow to begin."""
LATE_LEAST: Micros = HOUR
"""A job of every few minutes waits for a longer one now and then."""
HANGING = 2
"""A run that is under way has so many times as long, and is then told of as well: it hangs."""
FAILED_RUNS = 2
"""One failure is told by the report and mended by the next run; two are a state."""
DEAD_SCHEDULER: Micros = HOUR
"""A machine that restarts is back by then; a scheduler that was told to stop is not missed."""
BUDGET_DAYS = 2.0
"""What is left is more than two days of the budget: a day's peak is no reason to look."""
DISK_SHARE = 0.05
"""The share that file systems keep for root: less than that and writing begins to fail."""
DISK_BYTES = GIB
"""On a large disk a twentieth is a lot: only below this does the share count."""
UNSETTLED: Micros = 6 * HOUR
"""Each harvest settles what it wrote as it ends; no harvest writes nothing for so long."""
EXPIRED: Micros = HOUR
"""A lease holds for two minutes, a job's for five; whoever asks next frees what has expired."""
OPEN_GRACE: Micros = 26 * HOUR
"""What a run left is closed by the next harvest once it is a day old: a daily one comes within a
day of that, and takes its time."""
DRIFT_STANDS: Micros = 14 * DAY
"""A path vanishes by rule 10 at least three days after it was last seen; two weekly reports then
still have it."""
UNMAPPED_STANDS: Micros = 7 * DAY
"""Long enough to be read once, in a weekly look."""
CALM: Micros = 6 * HOUR
"""What hovers about its threshold is over only when it stayed below it for so long."""

NOTIFICATION = "notification"
"""The kind that is raised by the sender, not found by the rules."""


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of alarm.

    Attributes:
        name: what rows, metrics and messages call it.
        severity: an ``alarm`` needs somebody, a ``warning`` is good to know.
        means: what is wrong.
        raised: when it is raised, with its thresholds.
        todo: what to do.
        calm: how long it must not have been found to be over.
    """

    name: str
    severity: Literal["warning", "alarm"]
    means: str
    raised: str
    todo: str
    calm: Micros = 0


def _percent(share: float) -> str:
    return f"{share:.0%}"


def _hours(span: Micros) -> str:
    return f"{span // HOUR} h"


_ALL = (
    Kind(
        name="source_dead",
        severity="alarm",
        means="A source refuses the key, cannot be reached, or answered nothing that is a fact.",
        raised="Its last telling run was ended by it, or not one of the ids asked brought a fact. A"
        f" run tells if it asked for {DEAD_LEAST} ids or more, and smaller ones since that did so"
        " together; where none of the latest did, the last one does.",
        todo="`gpts-catalog sources check NAME` asks it once and says what is wrong: the key, the"
        " quota, the address.",
    ),
    Kind(
        name="source_failing",
        severity="alarm",
        means="A source answers, but many ids end in no fact.",
        raised=f"Of its last telling run {_percent(FAILING_SHARE)} or more of the ids asked, and at"
        f" least {DEAD_LEAST}, ended in no fact.",
        todo="`gpts-catalog status` lists the reasons; `gpts-catalog sources check NAME` asks it"
        " once.",
    ),
    Kind(
        name="source_mismatched",
        severity="alarm",
        means="A source answers with documents of other GPTs than were asked for.",
        raised=f"Of its last telling run {_percent(FAILING_SHARE)} or more of the ids asked, and at"
        f" least {DEAD_LEAST}, brought another GPT's document.",
        todo="Nothing was filed wrongly (law 5). Ask the source's operator; use another source.",
    ),
    Kind(
        name="source_frozen",
        severity="alarm",
        means="A source answers always the same: a cache that nobody fills any more, or a recording"
        " of the past.",
        raised=f"For at least {_hours(FROZEN_SPAN)} not one document differs in any byte from the"
        f" one before, where {FROZEN_EXPECTED:g} or more should by how often they did, counters and"
        f" other noise included. Of a cache whose `@timestamp` stands still:"
        f" {_hours(UNMOVED_SPAN)}.",
        todo="Compare `gpts-catalog show REF --raw` with what the source shows today; ask its"
        " operator; until then what it says is as old as the alarm says.",
    ),
    Kind(
        name="source_halved",
        severity="alarm",
        means="A source answers with empty documents, or with half of what they held.",
        raised=f"Of up to 40 documents of its last telling run {_percent(POORER_SHARE)} or more,"
        f" and at least {POORER_LEAST} (or all of 3 or more), lack {_percent(POORER_FIELDS)} or"
        " more of the fields that the fullest of the same GPT's last three documents had filled.",
        todo="`gpts-catalog show REF --raw` has the bytes. If the platform did it, the warnings"
        " about fields that vanished say so, and this alarm ends after three visits.",
    ),
    Kind(
        name="mass_missing",
        severity="alarm",
        means="A run would have marked a large share of the known GPTs as missing.",
        raised=f"Its not-founds are more than {MISSING_LEAST} and more than"
        f" {_percent(MISSING_SHARE)} of its answers, and some are about GPTs that have a document:"
        " rule 6 holds them back, and no GPT is marked.",
        todo="Nothing is lost and nothing is marked. If the GPTs are really gone, `confirm` finds"
        " them so on another day; if the source is ill, wait or use another.",
    ),
    Kind(
        name="quiet",
        severity="alarm",
        means="GPTs are due, and nothing is asked.",
        raised=f"Nothing was asked for {QUIET_PERIODS:g} periods of the job that refreshes, or for"
        f" {_hours(QUIET)} where no schedule has it.",
        todo="`gpts-catalog jobs list` says whether a scheduler is there, and how the last run"
        " ended; `gpts-catalog harvest --due` asks now.",
    ),
    Kind(
        name="stale",
        severity="alarm",
        means="GPTs were not confirmed for longer than the ceiling of the plan.",
        raised=f"{_percent(STALE_SHARE)} or more of the listed GPTs, and at least one, were last"
        f" seen longer ago than `[plan] ceiling_days` and {STALE_GRACE // DAY} days.",
        todo="`gpts-catalog plan` says what the budget buys: raise `requests_per_day`, or the"
        " ceiling. `gpts-catalog status` says why ids failed.",
        calm=CALM,
    ),
    Kind(
        name="job_late",
        severity="alarm",
        means="A job did not run.",
        raised=f"A slot was not taken for {LATE_PERIODS:g} period of its schedule, and for at least"
        f" {_hours(LATE_LEAST)}; {HANGING} times as long where it runs, or waits for one that"
        " does.",
        todo="Start `gpts-catalog schedule`, or let cron call `gpts-catalog jobs run NAME"
        " --if-owed`.",
    ),
    Kind(
        name="job_gap",
        severity="warning",
        means="A job left out slots, and has caught up since.",
        raised="Between its last two slots there was at least one that never ran. It stands until"
        " the next slot runs in time.",
        todo="Look whether the machine slept or was off; the days between have no observations.",
    ),
    Kind(
        name="job_failing",
        severity="alarm",
        means="A job fails again and again.",
        raised=f"Its last {FAILED_RUNS} runs that ended failed, or were lost with their process.",
        todo="`gpts-catalog jobs list` has the message; `gpts-catalog jobs run NAME` tries again.",
    ),
    Kind(
        name="job_unmet",
        severity="alarm",
        means="A job ended, but brought less or more than is expected of it.",
        raised="A number of its last run lies outside the bounds of its declaration, or of `least`"
        " and `most` in `[jobs.NAME]`.",
        todo="Look at the run's numbers in `gpts-catalog jobs list`; set `least` and `most` if they"
        " are as they should be.",
    ),
    Kind(
        name="scheduler",
        severity="alarm",
        means="The scheduler is gone without having been told to stop.",
        raised=f"It said for {_hours(DEAD_SCHEDULER)} nothing more, and did not say that it ends.",
        todo="Look into its log, and start `gpts-catalog schedule` again: systemd or the container"
        " should do so by itself.",
    ),
    Kind(
        name="budget",
        severity="warning",
        means="The day's budget is used up, and much is left undone.",
        raised="What the day may take of a source is taken, and the GPTs that are due are more than"
        f" {BUDGET_DAYS:g} days of it.",
        todo="`gpts-catalog plan` says what more would buy; raise `requests_per_day`, or live with"
        " the order in which the plan asks.",
        calm=CALM,
    ),
    Kind(
        name="disk",
        severity="alarm",
        means="The disk under the catalog or its folder is nearly full.",
        raised=f"Less than {_percent(DISK_SHARE)} and less than {DISK_BYTES // GIB} GiB are free.",
        todo="Make room; `gpts-catalog prune --dry-run` says what retention would remove.",
        calm=HOUR,
    ),
    Kind(
        name="folder",
        severity="alarm",
        means="The folder of the catalog, or that of reports and backups, cannot be written.",
        raised="The operating system says so.",
        todo="Look at its owner and mode, and at how the disk is mounted.",
    ),
    Kind(
        name="unsettled",
        severity="warning",
        means="What is aggregated over all GPTs is behind: authors, mass events, drift, facets.",
        raised=f"Work is queued, and nothing was written for {_hours(UNSETTLED)}.",
        todo="The next harvest settles it; `gpts-catalog verify` says whether all else is whole.",
    ),
    Kind(
        name="leases",
        severity="warning",
        means="Workers ended without giving back what they held, and nobody freed it.",
        raised=f"Leases of ids or jobs ended {_hours(EXPIRED)} ago or earlier.",
        todo="The next harvest, or the next look of the scheduler, frees them.",
    ),
    Kind(
        name="run_open",
        severity="warning",
        means="A run began and never ended.",
        raised="It is older than 24 h, brought no outcome for as long, and no harvest closed it for"
        f" {_hours(OPEN_GRACE)} more.",
        todo="The next harvest closes it; what it brought is stored.",
    ),
    Kind(
        name="drift",
        severity="warning",
        means="A field appeared in a source's documents, vanished from them, or changed its type.",
        raised=f"By rule 10. It stands for {DRIFT_STANDS // DAY} days.",
        todo="Nothing is lost: the archive has the bytes. A newer version of this program may have"
        " a column for it.",
    ),
    Kind(
        name="unmapped",
        severity="warning",
        means="Documents have a field that no table knows, or a value that its column cannot take.",
        raised=f"When it is first said; it stands for {UNMAPPED_STANDS // DAY} days.",
        todo="Nothing is lost: the archive has the bytes, and `gpts-catalog status` an example.",
    ),
    Kind(
        name=NOTIFICATION,
        severity="alarm",
        means="A notification could not be delivered.",
        raised="The webhook or one of Apprise's services did not take a message, after several"
        " attempts. It ends with the next one that is taken.",
        todo="Look at the environment variables that `[notify]` names; the message says what"
        " happened, never the address.",
    ),
)

KINDS: dict[str, Kind] = {kind.name: kind for kind in _ALL}
"""Every kind, by name."""

FOUND: dict[str, Micros] = {kind.name: kind.calm for kind in _ALL if kind.name != NOTIFICATION}
"""The kinds that the rules find, with how long each must not have been found to be over."""
