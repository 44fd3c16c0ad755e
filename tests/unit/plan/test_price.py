from __future__ import annotations

import random
from collections import Counter

import msgspec
import pytest

from catalog.plan import Belief, Objective, Price, Rules, cell_of, price, price_of_day
from catalog.plan.forecast import MORE, SHARES, forecast, outlook
from catalog.plan.policy import interval_of
from catalog.plan.price import LEAST_SHARE, MARGIN, ceiling_of, middle_of

RULES = Rules()


def crowd(gpts: int, seed: int = 1) -> list[tuple[Belief, float]]:
    """GPTs of which more or less is known."""
    rng = random.Random(seed)
    made = []
    for _ in range(gpts):
        shape = 0.3 + rng.choice([0, 0, 1, 2, 5]) * rng.random()
        made.append((Belief(shape, 19 + rng.expovariate(1 / 200)), rng.paretovariate(1.1)))
    return made


def grid_of(gpts: list[tuple[Belief, float]]) -> Counter[int]:
    return Counter(cell_of(belief, weight) for belief, weight in gpts)


def demand(grid: Counter[int], terms: Price) -> float:
    """Visits a day that a price asks for."""
    return sum(
        count / interval_of(*middle_of(cell), terms.price, RULES, terms.ceiling)
        for cell, count in grid.items()
    )


def test_middle_of_a_cell_is_in_it() -> None:
    for belief, weight in crowd(200):
        middle, about = middle_of(cell_of(belief, weight))
        assert cell_of(middle, about) == cell_of(belief, weight)
        assert middle.shape == pytest.approx(belief.shape, rel=0.13)
        assert middle.days == pytest.approx(belief.days, rel=0.13)
        assert about == pytest.approx(weight, rel=0.13)


@pytest.mark.parametrize("weight", [0.0, 1e-300, 1e300])
def test_weight_beyond_the_grid_has_a_cell(weight: float) -> None:
    assert 0 <= cell_of(Belief(1.0, 1.0), weight) < 2**31
    assert middle_of(cell_of(Belief(1.0, 1.0), 0.0))[1] == 0


@pytest.mark.parametrize("objective", list(Objective))
@pytest.mark.parametrize("share", [0.005, 0.02, 0.2])
def test_price_keeps_the_budget(objective: Objective, share: float) -> None:
    rules = Rules(objective=objective)
    gpts = crowd(5000)
    visits = share * len(gpts)

    terms = price_of_day(grid_of(gpts), visits, rules)

    asked = sum(1 / interval_of(b, w, terms.price, rules, terms.ceiling) for b, w in gpts)
    assert asked == pytest.approx(visits * (1 + MARGIN), rel=0.03)


def test_search_from_the_price_of_yesterday_ends_at_the_same() -> None:
    grid = grid_of(crowd(2000))
    anew = price_of_day(grid, 40.0, RULES).price

    for last in (anew / 1e6, anew * 0.9, anew * 1e6):
        assert price_of_day(grid, 40.0, RULES, last=last).price == pytest.approx(anew, rel=0.05)


def test_search_looks_at_each_cell_a_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """By halves it would be fourteen: thousands of cells, each time."""
    looked = Counter[float]()

    def counted(belief: Belief, weight: float, asked: float, rules: Rules, ceiling: float) -> float:
        looked[asked] += 1
        return interval_of(belief, weight, asked, rules, ceiling)

    monkeypatch.setattr(price, "interval_of", counted)
    grid = grid_of(crowd(2000))
    anew = price_of_day(grid, 40.0, RULES).price
    tries = [len(looked)]
    for last in (anew, anew * 0.9, anew * 1e6):
        looked.clear()
        price_of_day(grid, 40.0, RULES, last=last)
        tries.append(len(looked))

    assert tries[0] <= 5
    assert tries[1:3] == [1, 3]
    assert tries[3] <= 9


def test_price_where_equal_gpts_leave_the_floor_together_is_found_in_the_end() -> None:
    """All of one cell ask for a visit a day up to a price, and behind it for far fewer."""
    grid = Counter({cell_of(Belief(400.0, 4.0), 1.0): 1000})
    at_floor = 1000.0

    terms = price_of_day(grid, at_floor / 10, RULES)

    assert demand(grid, Price(terms.price * 1.001, terms.ceiling)) <= at_floor / 10 * (1 + MARGIN)
    assert demand(grid, Price(terms.price / 1.001, terms.ceiling)) >= at_floor / 10 * (1 + MARGIN)


def test_overdue_gpts_raise_the_price_and_never_take_it_all() -> None:
    grid = grid_of(crowd(2000))
    calm, late, lost = (
        demand(grid, price_of_day(grid, 40.0, RULES, overdue=overdue))
        for overdue in (0, 200, 10**9)
    )

    assert late == pytest.approx(calm - 40.0 * 0.1, rel=0.02)
    assert lost == pytest.approx(20.0, rel=0.02)


def test_budget_beyond_all_need_leaves_every_gpt_at_the_floor() -> None:
    gpts = crowd(50)
    terms = price_of_day(grid_of(gpts), 1e6, RULES)

    assert {interval_of(b, w, terms.price, RULES, terms.ceiling) for b, w in gpts} == {1.0}


def test_price_of_no_gpts_is_a_price() -> None:
    assert price_of_day({}, 10.0, RULES) == price_of_day({}, 20.0, RULES)


@pytest.mark.parametrize(("visits", "days"), [(1000.0, 90.0), (100.0, 90.0), (10.0, 400.0)])
def test_ceiling_is_kept_or_takes_a_quarter_of_the_budget(visits: float, days: float) -> None:
    assert ceiling_of(RULES, 1000, visits) == days
    assert 1000 / days <= max(LEAST_SHARE * visits, 1000 / 90.0) + 1e-9


def test_no_gpt_waits_longer_than_the_ceiling() -> None:
    gpts = crowd(3000)
    terms = price_of_day(grid_of(gpts), 60.0, RULES)

    assert max(interval_of(b, w, terms.price, RULES, terms.ceiling) for b, w in gpts) == (
        terms.ceiling
    )


def test_price_depends_on_cells_and_counts_and_not_on_gpts() -> None:
    """A hundred times as many GPTs in the same cells: the same price for as large a budget."""
    grid = grid_of(crowd(10_000))
    many = {cell: count * 100 for cell, count in grid.items()}

    assert price_of_day(many, 20_000.0, RULES).price == pytest.approx(
        price_of_day(grid, 200.0, RULES).price
    )


def test_cells_grow_far_more_slowly_than_gpts() -> None:
    few, many = len(grid_of(crowd(2_000))), len(grid_of(crowd(50_000)))

    assert many < 5 * few


def test_forecast_is_better_than_round_robin_and_grows_with_the_budget() -> None:
    grid = grid_of(crowd(3000))

    seen = [forecast(grid, 3000 * share, RULES) for share in (0.005, 0.02, 0.1, 0.5)]

    assert all(each.freshness >= each.round_robin for each in seen)
    assert [each.freshness for each in seen] == sorted(each.freshness for each in seen)
    assert [each.seen for each in seen] == sorted(each.seen for each in seen)
    assert all(0 < each.seen < 1 and 0 < each.freshness < 1 for each in seen)


def test_objective_changes_is_forecast_to_see_more_changes_and_less_fresh() -> None:
    grid = grid_of([(belief, 1.0) for belief, _ in crowd(3000)])
    tracking = msgspec.structs.replace(RULES, objective=Objective.CHANGES)

    fresh, seen = forecast(grid, 60.0, RULES), forecast(grid, 60.0, tracking)

    assert seen.seen > fresh.seen
    assert seen.freshness < fresh.freshness


def test_forecast_agrees_with_a_count_gpt_by_gpt() -> None:
    gpts = crowd(3000)
    said = forecast(grid_of(gpts), 60.0, RULES)

    assert said.changes == pytest.approx(sum(b.rate for b, _ in gpts), rel=0.03)
    assert said.used == pytest.approx(60.0, rel=0.03)


def test_forecast_names_the_price_and_ceiling_of_the_day() -> None:
    grid = grid_of(crowd(500))
    said, terms = forecast(grid, 10.0, RULES), price_of_day(grid, 10.0, RULES)

    assert (said.visits, said.price, said.ceiling) == (10.0, terms.price, terms.ceiling)
    assert terms.ceiling == 200.0


def test_forecast_uses_no_more_than_the_floor_allows() -> None:
    said = forecast(grid_of(crowd(500)), 1000.0, msgspec.structs.replace(RULES, floor=2.0))

    assert said.used == pytest.approx(250.0)


def test_outlook_says_what_more_requests_would_add() -> None:
    grid = grid_of(crowd(50_000))

    view = outlook(grid, 1000.0, RULES, requests_per_visit=2.0)

    assert view.more.visits == view.now.visits + MORE / 2
    assert view.more.freshness > view.now.freshness
    assert [each.visits for each in view.curve] == [1000.0 * share for share in SHARES]


def test_price_is_a_number_that_a_row_can_hold() -> None:
    terms = price_of_day(grid_of(crowd(100)), 5.0, RULES)

    assert isinstance(terms, Price)
    assert 0 < terms.price < 1e12
