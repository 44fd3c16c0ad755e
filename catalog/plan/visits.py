"""What follows from a visit: what is now known of the GPT, and when it is due again.

Constant time and no look at any other GPT: what depends on all of them, the price and the priors,
is settled once a day and handed in. Whatever happened, the next visit moves (law 8).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from catalog.plan.pauses import next_attempts, next_due
from catalog.plan.policy import Rules, interval_of
from catalog.plan.price import Price, cell_of
from catalog.plan.rates import STORE, Belief, Evidence, Prior, believed, learn
from catalog.records import Verdict
from catalog.times import DAY

if TYPE_CHECKING:
    import random

    from catalog.times import Micros

_MOST_DOUBLINGS = 12


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What the planner keeps of a GPT. Each attribute is a column.

    Attributes:
        shape: of its :class:`~catalog.plan.rates.Evidence`.
        days: of its evidence.
        confirmed_at: the time the last document taken in spoke for; None before the first.
        attempts: visits in a row that ended without a fact.
        misses: visits in a row that ended with a fact but without its document.
        cell: its box in the grid, None where it is not planned by the price: GPTs that are missing
            have pauses of their own.
        rate: the believed change rate, a day, at the last visit.
        log_rate: the mean of its logarithm, for the priors' sums.
    """

    shape: float = 0.0
    days: float = 0.0
    confirmed_at: Micros | None = None
    attempts: int = 0
    misses: int = 0
    cell: int | None = None
    rate: float = 0.0
    log_rate: float = 0.0

    @property
    def evidence(self) -> Evidence:
        """What its own visits said."""
        return Evidence(self.shape, self.days)


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """How a visit ended.

    Attributes:
        at: when.
        verdict: how.
        said_at: the time the document speaks for: of a cache its own, of a stale copy the time
            before which it brings nothing. None for ``at``.
        changed: whether the document differs from the one taken in before it, in unmarked content
            or in the GPT's status (rule 17). Of a first document, nothing follows from it.
        pause: how long the source asked to be left alone (Retry-After), 0 for not.
    """

    at: Micros
    verdict: Verdict
    said_at: Micros | None = None
    changed: bool = False
    pause: Micros = 0


def known(weight: float, prior: Prior = STORE) -> State:
    """The state of a GPT that was never visited: planned as its prior says, due at once."""
    return _placed(State(), prior, weight)


def after_visit(
    state: State,
    visit: Visit,
    price: Price,
    weight: float,
    rules: Rules,
    rng: random.Random | None = None,
    *,
    prior: Prior = STORE,
) -> tuple[State, Micros]:
    """What is known after a visit, and when the next one is due.

    Args:
        state: as the visit before left it, or :func:`known`.
        visit: how it ended.
        price: of the day.
        weight: of the GPT, from :func:`catalog.plan.policy.weight_of`.
        rules: the person's.
        rng: spreads the visits; without it the result is exact.
        prior: of GPTs alike.

    Returns:
        The new state, and a moment after ``visit.at``.
    """
    if visit.verdict is Verdict.DOCUMENT:
        after = _documented(state, visit, weight, rules, prior)
        said = visit.at if visit.said_at is None else min(visit.at, visit.said_at)
        interval = _interval(after, weight, price, rules, rng, prior)
        due = max(said + interval, visit.at + _micros(rules.floor))
    else:
        after = _undocumented(state, visit)
        due = next_due(visit.verdict, after.attempts, visit.at, rng)
        if after.misses > 1:
            # Twice on two days is what it takes to be gone; after that, ever more rarely.
            more = (1 << min(after.misses - 1, _MOST_DOUBLINGS)) - 1
            due += min(more * DAY, _micros(price.ceiling))
    # A source that asks for a year is not believed longer than the ceiling.
    return after, max(due, visit.at + min(visit.pause, _micros(price.ceiling)))


def priced_again(
    state: State,
    asked_at: Micros,
    price: Price,
    weight: float,
    rules: Rules,
    rng: random.Random | None = None,
    *,
    prior: Prior = STORE,
) -> tuple[State, Micros]:
    """When a GPT is due by another price, weight or other rules than at its last visit.

    Args:
        state: as that visit left it: its document was taken in, and no visit since failed.
        asked_at: when that was.
        price: of the day.
        weight: as it is now.
        rules: the person's.
        rng: spreads the visits; without it the result is exact.
        prior: of GPTs alike.

    Returns:
        The state, and the moment: what waited too long is due already.
    """
    after = _placed(state, believed(prior, state.evidence), weight)
    said = asked_at if state.confirmed_at is None else min(asked_at, state.confirmed_at)
    interval = _interval(after, weight, price, rules, rng, prior)
    return after, max(said + interval, asked_at + _micros(rules.floor))


def _documented(state: State, visit: Visit, weight: float, rules: Rules, prior: Prior) -> State:
    said = visit.at if visit.said_at is None else min(visit.at, visit.said_at)
    evidence, confirmed_at = state.evidence, state.confirmed_at
    if confirmed_at is None:
        confirmed_at = said
    elif said > confirmed_at:
        evidence = learn(
            prior,
            evidence,
            (said - confirmed_at) / DAY,
            changed=visit.changed,
            memory=rules.memory,
        )
        confirmed_at = said
    after = State(shape=evidence.shape, days=evidence.days, confirmed_at=confirmed_at)
    return _placed(after, believed(prior, evidence), weight)


def _undocumented(state: State, visit: Visit) -> State:
    misses = state.misses + 1 if visit.verdict.is_fact else state.misses
    return msgspec.structs.replace(
        state,
        attempts=next_attempts(visit.verdict, state.attempts),
        misses=misses,
        cell=None if misses > 1 else state.cell,
    )


def _placed(state: State, belief: Belief, weight: float) -> State:
    return msgspec.structs.replace(
        state, cell=cell_of(belief, weight), rate=belief.rate, log_rate=belief.log_rate
    )


def _interval(
    state: State,
    weight: float,
    price: Price,
    rules: Rules,
    rng: random.Random | None,
    prior: Prior,
) -> Micros:
    belief = believed(prior, state.evidence)
    days = interval_of(belief, weight, price.price, rules, price.ceiling)
    if rng is not None:
        days *= 1 + rules.jitter * (2 * rng.random() - 1)
    return _micros(min(price.ceiling, max(rules.floor, days)))


def _micros(days: float) -> Micros:
    return int(days * DAY)
