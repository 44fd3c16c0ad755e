"""Planning wired to the catalog: the day's price, and what follows from each visit.

Whoever asks first after 00:00 UTC settles the day: priors and price from aggregates over the
frontier. From then on every visit moves its own row, by what is known of that GPT alone.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from catalog import plan
from catalog.harvest.repricing import note_terms
from catalog.query.outlook import grid_of, priors_of, requests_of_day, rules_of, visits_of_day
from catalog.records import Verdict
from catalog.search.conditions import Matching
from catalog.search.filters import Filter
from catalog.storage import planning as store
from catalog.storage.engine import read, write
from catalog.storage.frontier import Claimed, Learned
from catalog.storage.listings import load_listings
from catalog.storage.repricing import Repriced
from catalog.times import DAY, HOUR, SECOND, day_of

if TYPE_CHECKING:
    from catalog.settings import Settings, WatchSettings
    from catalog.storage.engine import Connection, Engine
    from catalog.storage.repricing import Waiting
    from catalog.times import Micros

YOUNG: Micros = 90 * DAY
"""GPTs are worked on more in their first months: they are a stratum of their own."""


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What the visits of a day are planned by.

    Attributes:
        rules: what its user decides.
        price: of the day.
        priors: what is believed of GPTs before a visit of their own.
        weights: filters of the user's own, each with what its GPTs count more.
        visits: the day's budget in visits; None: no limit.
    """

    rules: plan.Rules
    price: plan.Price
    priors: plan.Priors
    weights: tuple[tuple[Filter, float], ...] = ()
    visits: float | None = None


class Visited(msgspec.Struct, frozen=True, kw_only=True):
    """How one id ended, as far as its next visit goes.

    Attributes:
        gizmo_id: the id.
        at: when.
        verdict: how.
        said_at: the time its document speaks for, if it has one.
        may_have_changed: whether the document brought anything new.
        pause: seconds that the source asked to be left alone.
    """

    gizmo_id: str
    at: Micros
    verdict: Verdict
    said_at: Micros | None = None
    may_have_changed: bool = False
    pause: float = 0.0


class Planned(msgspec.Struct, frozen=True):
    """What follows from a visit.

    Attributes:
        attempts: visits without a fact in a row.
        due_at: when the id is due next.
        learned: what is known of it now.
    """

    attempts: int
    due_at: Micros
    learned: Learned


def filter_of(watch: WatchSettings) -> Filter:
    """The GPTs that a watch names."""
    return Filter(
        text=watch.search,
        categories=(watch.category,) if watch.category else (),
        tools=(watch.tool,) if watch.tool else (),
        tags=(watch.tag,) if watch.tag else (),
        authors=(watch.author,) if watch.author else (),
        statuses=(watch.status,) if watch.status else (),
        min_conversations=watch.min_conversations,
    )


def terms_of_day(engine: Engine, settings: Settings, now: Micros) -> Terms:
    """What today's visits are planned by; settled now if nobody did yet.

    Args:
        engine: the catalog, opened for writing.
        settings: budgets, rules, watches.
        now: the present moment.
    """
    rules = rules_of(settings)
    day = day_of(now)
    with read(engine) as conn:
        found = store.plan_day(conn, day)
        mine = found or _settle(conn, settings, rules, now)
    if found is None:
        with write(engine) as conn:
            found = store.settle_day(conn, mine)
            if found == mine:
                note_terms(conn, settings)
    return Terms(
        rules=rules,
        price=plan.Price(found.price, found.ceiling),
        priors=msgspec.json.decode(found.priors, type=plan.Priors),
        weights=tuple(
            (filter_of(settings.watch[name]), weight)
            for name, weight in sorted(settings.plan.weights.items())
        ),
        visits=found.visits,
    )


def _settle(conn: Connection, settings: Settings, rules: plan.Rules, now: Micros) -> store.PlanDay:
    """Today's price and priors, from where all GPTs stand."""
    last = store.last_plan_day(conn)
    stands = store.stands(conn)
    priors = plan.learn_priors(sums_of(stands), priors_of(conn))
    grid = grid_of(stands, priors)
    gpts = sum(grid.values())
    visits = visits_of_day(conn, settings, now)
    overdue = store.count_overdue(conn, now - now % DAY)
    # Without a budget every GPT is asked as often as the floor allows.
    wanted = visits or max(1.0, gpts / rules.floor)
    price = plan.price_of_day(
        grid, wanted, rules, overdue=overdue, last=last.price if last else None
    )
    return store.PlanDay(
        day=day_of(now),
        at=now,
        price=price.price,
        ceiling=price.ceiling,
        priors=msgspec.json.encode(priors).decode(),
        gpts=gpts,
        visits=visits,
        overdue=overdue,
    )


def visits_left(
    conn: Connection, settings: Settings, now: Micros, *, held_back: float = 0.0
) -> int | None:
    """The visits that are left of today's requests, over all sources; None: no limit.

    Args:
        conn: any transaction.
        settings: the budgets.
        now: the present moment.
        held_back: the share of the whole day's that is for others.
    """
    per_day = requests_of_day(settings)
    if per_day is None:
        return None
    spent = store.requests_spent(
        conn,
        [name for name, each in settings.sources.items() if each.dialect != "recorded"],
        day_of(now),
    )
    left = max(0.0, per_day * (1 - held_back) - spent)
    return int(left / (store.requests_a_visit(conn, now) or 1.0))


def sums_of(stands: store.Stands) -> dict[str, plan.Sums]:
    """What the priors are learned from, by stratum."""
    return {
        stratum: plan.Sums(each.gpts, each.rate, each.log_rate)
        for stratum, each in stands.believed.items()
    }


class Planner:
    """Says when ids are due next, in the transaction that stores what they brought.

    Args:
        terms: of the day; None where nothing was settled: then every pause is the plain one.
        rng: spreads the visits.
    """

    def __init__(self, terms: Terms | None, rng: random.Random) -> None:
        self._terms = terms
        self._rng = rng
        self._strata: dict[str, tuple[str, ...]] = {}
        self._matching = [
            (Matching(each), weight) for each, weight in (terms.weights if terms else ())
        ]

    def after(
        self, conn: Connection, visits: Sequence[Visited], claimed: Mapping[str, Claimed]
    ) -> dict[str, Planned]:
        """What follows from some visits.

        Args:
            conn: the writing transaction, after what came was derived.
            visits: how they ended.
            claimed: what was known of the ids when they were claimed.
        """
        if self._terms is None:
            return {visit.gizmo_id: _plain(visit, claimed) for visit in visits}
        ids = [visit.gizmo_id for visit in visits]
        known = store.weighed(conn, ids)
        multipliers = self._multipliers(conn, ids)
        changed = store.changed_content(
            conn,
            [
                (visit.gizmo_id, visit.said_at)
                for visit in visits
                if visit.said_at is not None and visit.may_have_changed
            ],
        )
        return {
            visit.gizmo_id: self._after(
                self._terms,
                visit,
                claimed.get(visit.gizmo_id),
                known.get(visit.gizmo_id),
                multipliers.get(visit.gizmo_id, 1.0),
                changed=visit.gizmo_id in changed,
            )
            for visit in visits
        }

    def again(self, conn: Connection, waiting: Sequence[Waiting]) -> list[Repriced]:
        """When GPTs are due that were planned by other terms, in the order given.

        Args:
            conn: any transaction.
            waiting: their last visits brought their documents.
        """
        terms = self._terms
        if terms is None:
            return []
        ids = [each.gizmo_id for each in waiting]
        known = store.weighed(conn, ids)
        multipliers = self._multipliers(conn, ids)
        moved = []
        for each in waiting:
            weighed = known.get(each.gizmo_id)
            stratum = self._stratum(weighed, each.last_asked_at) if weighed else each.stratum
            state, due_at = plan.priced_again(
                _state(each),
                each.last_asked_at,
                terms.price,
                plan.weight_of(
                    weighed.conversations if weighed else None,
                    terms.rules,
                    multipliers.get(each.gizmo_id, 1.0),
                ),
                terms.rules,
                self._rng,
                prior=terms.priors.of(stratum),
            )
            moved.append(
                Repriced(
                    gizmo_id=each.gizmo_id,
                    was_due_at=each.due_at,
                    due_at=due_at,
                    cell=state.cell,
                )
            )
        return moved

    def _after(
        self,
        terms: Terms,
        visit: Visited,
        claimed: Claimed | None,
        known: store.Weighed | None,
        multiplier: float,
        *,
        changed: bool,
    ) -> Planned:
        stratum = self._stratum(known, visit.at) if known else claimed.stratum if claimed else ""
        conversations = known.conversations if known else None
        state, due_at = plan.after_visit(
            _state(claimed),
            plan.Visit(
                at=visit.at,
                verdict=visit.verdict,
                said_at=visit.said_at,
                changed=changed,
                pause=round(visit.pause * SECOND),
            ),
            terms.price,
            plan.weight_of(conversations, terms.rules, multiplier),
            terms.rules,
            self._rng,
            prior=terms.priors.of(stratum),
        )
        learned = Learned(
            evidence_shape=state.shape,
            evidence_days=state.days,
            confirmed_at=state.confirmed_at,
            misses=state.misses,
            cell=state.cell,
            rate=state.rate,
            log_rate=state.log_rate,
            stratum=stratum,
        )
        return Planned(state.attempts, due_at, learned)

    def _stratum(self, known: store.Weighed, at: Micros) -> str:
        """The GPTs that one is planned like: those of its category, and of its age."""
        categories = self._strata.get(known.facets)
        if categories is None:
            found = msgspec.json.decode(known.facets, type=dict[str, list[str]])
            categories = self._strata[known.facets] = tuple(found.get("category", ()))
        is_young = known.created_at is not None and at - known.created_at < YOUNG
        return " ".join([*categories[:1], *(["young"] if is_young else [])])

    def _multipliers(self, conn: Connection, ids: Sequence[str]) -> dict[str, float]:
        """What the user's own filters make some GPTs count more."""
        if not self._matching:
            return {}
        found: dict[str, float] = {}
        for gizmo_id, listing in load_listings(conn, ids).items():
            product = 1.0
            for matching, weight in self._matching:
                if matching.tier(listing) is not None:
                    product *= weight
            found[gizmo_id] = product
        return found


def _state(claimed: Claimed | None) -> plan.State:
    if claimed is None:
        return plan.State()
    return plan.State(
        shape=claimed.evidence_shape,
        days=claimed.evidence_days,
        confirmed_at=claimed.confirmed_at,
        attempts=claimed.attempts,
        misses=claimed.misses,
        cell=claimed.cell,
        rate=claimed.rate,
        log_rate=claimed.log_rate,
    )


def _plain(visit: Visited, claimed: Mapping[str, Claimed]) -> Planned:
    """The pause where nothing is planned: what was learned stays as it is."""
    before = claimed.get(visit.gizmo_id)
    attempts = plan.next_attempts(visit.verdict, before.attempts if before else 0)
    due_at = plan.next_due(visit.verdict, attempts, visit.at)
    kept = {} if before is None else msgspec.structs.asdict(before)
    learned = Learned(**{name: kept[name] for name in Learned.__struct_fields__ if name in kept})
    return Planned(attempts, due_at, learned)


def floor_of(terms: Terms) -> Micros:
    """The least time between two visits of a GPT."""
    return round(terms.rules.floor * 24 * HOUR)
