"""When somebody should look: facts in, alarms out. Pure: the clock and the facts are handed in.

``kinds`` declares every kind with its thresholds and their reasons, ``facts`` is what the rules are
told, ``rules`` has them, ``likeness`` tells a source that answers always the same, ``page`` makes
the documentation. :mod:`catalog.query.health` gathers the facts.
"""

from catalog.alarms.facts import (
    Capped,
    Facts,
    GptFacts,
    JobFacts,
    JobRunFacts,
    Likeness,
    Pair,
    PathFacts,
    PlaceFacts,
    RunFacts,
    SchedulerFacts,
    SourceFacts,
    Spent,
)
from catalog.alarms.kinds import FOUND, KINDS, NOTIFICATION, Kind
from catalog.alarms.rules import Limits, evaluate, make_alarm, span

__all__ = [
    "FOUND",
    "KINDS",
    "NOTIFICATION",
    "Capped",
    "Facts",
    "GptFacts",
    "JobFacts",
    "JobRunFacts",
    "Kind",
    "Likeness",
    "Limits",
    "Pair",
    "PathFacts",
    "PlaceFacts",
    "RunFacts",
    "SchedulerFacts",
    "SourceFacts",
    "Spent",
    "evaluate",
    "make_alarm",
    "span",
]
