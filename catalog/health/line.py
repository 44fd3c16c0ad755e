"""One line that says all. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.alarms import span
from catalog.times import DAY, HOUR, to_datetime

if TYPE_CHECKING:
    from catalog.health.looking import Health
    from catalog.times import Micros

NAMED = 3
"""Alarms that the line names; the others are counted."""


def headline(health: Health) -> str:
    """``well: 1,234 GPTs, all confirmed within 3 d, last asked 2 h ago, next refresh 03:00``.

    Of GPTs that are missing or gone nothing can be confirmed: they are told beside those that are
    listed.
    """
    alarms = [each for each in health.alarms if each.severity == "alarm"]
    warnings = len(health.alarms) - len(alarms)
    if alarms:
        named = [f"{each.kind} {each.subject}".strip() for each in alarms[:NAMED]]
        more = [f"{len(alarms) - NAMED:,} more"] if len(alarms) > NAMED else []
        word = "ALARM" if len(alarms) == 1 else "ALARMS"
        told = f"{len(alarms):,} {word}: {', '.join([*named, *more])}"
        words = "; ".join([told, *unfinished(health)])
    else:
        words = f"well: {', '.join(_state(health))}"
    return words + (f" ({_counted(warnings, 'warning')})" if warnings else "")


def _state(health: Health) -> list[str]:
    gpts, now = health.facts.gpts, health.at
    listed = gpts.by_status.get("listed", 0)
    others = gpts.total - listed
    parts = [_counted(listed, "listed GPT" if others else "GPT")]
    if gpts.oldest_confirmed_at is not None:
        parts.append(f"all confirmed within {_within(now - gpts.oldest_confirmed_at)}")
    if others:
        parts.append(f"{others:,} missing or gone")
    if gpts.last_asked_at is not None and any(source.run for source in health.facts.sources):
        parts.append(f"last asked {span(now - gpts.last_asked_at)} ago")
    parts += unfinished(health)
    if health.lacks_scheduler:
        parts.append("no scheduler is there any more")
    for at, name in health.coming[:1]:
        form = "%H:%M" if at - now < DAY else "%Y-%m-%d %H:%M"
        parts.append(f"next {name} {to_datetime(at):{form}} UTC")
    return parts


def unfinished(health: Health) -> list[str]:
    """What is still at work or was cut off: what it brought is not all counted before it ends."""
    facts = health.facts
    told = [f"{run.command} is at work" for run in facts.at_work]
    if facts.unsettled.number:
        # Once another harvest has counted all, only its own ids are still waiting for it.
        told += [f"{run.command} was cut off: give the same command again" for run in facts.cut_off]
    if facts.unsettled.number and not told:
        told.append("what came last is not all counted yet: what brings it does it as it ends")
    return told


def _within(length: Micros) -> str:
    """The age rounded up: ``within`` is to be true."""
    if length <= DAY:
        return f"{max(1, -(-length // HOUR))} h"
    return f"{-(-length // DAY):,} d"


def _counted(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"
