"""When to look again, within a budget. Pure: no clock, no catalog; both are handed in.

``rates`` learns how often a GPT changes, ``policy`` says how long a visit can wait at a price,
``price`` finds the price that keeps the budget, ``visits`` puts them together after each visit,
``pauses`` serves visits that brought no document. ``forecast`` says what a budget buys.
docs/planning.md has the flow of data, the figures, and what a budget could buy if the rates were
known.
"""

from catalog.plan.forecast import Forecast, Outlook, forecast, outlook
from catalog.plan.pauses import (
    AFTER_DOCUMENT,
    AFTER_MIDNIGHT,
    FIRST_PAUSE,
    JITTER,
    LONGEST_PAUSE,
    next_attempts,
    next_due,
)
from catalog.plan.policy import Objective, Rules, weight_of
from catalog.plan.price import Grid, Price, ceiling_of, cell_of, price_of_day
from catalog.plan.rates import (
    STORE,
    Belief,
    Evidence,
    Prior,
    Priors,
    Sums,
    learn_priors,
)
from catalog.plan.visits import State, Visit, after_visit, known, priced_again

__all__ = [
    "AFTER_DOCUMENT",
    "AFTER_MIDNIGHT",
    "FIRST_PAUSE",
    "JITTER",
    "LONGEST_PAUSE",
    "STORE",
    "Belief",
    "Evidence",
    "Forecast",
    "Grid",
    "Objective",
    "Outlook",
    "Price",
    "Prior",
    "Priors",
    "Rules",
    "State",
    "Sums",
    "Visit",
    "after_visit",
    "ceiling_of",
    "cell_of",
    "forecast",
    "known",
    "learn_priors",
    "next_attempts",
    "next_due",
    "outlook",
    "price_of_day",
    "priced_again",
    "weight_of",
]
