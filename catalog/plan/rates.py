"""How often a GPT changes, learned from visits at irregular times that say "changed" or "not".

A change rate is a number of changes a day, never known exactly: what is known of it is a
:class:`Belief`, a Gamma distribution. It begins as the :class:`Prior` of GPTs alike and takes in
each visit in constant time and space. What is kept a GPT is :class:`Evidence`, the part that its
own visits brought: two numbers, apart from the prior, so that a prior learned later reaches every
GPT that was visited before.

An unchanged interval of τ days multiplies the belief by e^(−λτ): Gamma stays Gamma, and the days
grow by τ. After a changed one, 1 − e^(−λτ), it is replaced by the Gamma with the same mean of λ and
of ln λ (the one nearest in relative entropy; "assumed density filtering", Minka, *A family of
algorithms for approximate Bayesian inference*, MIT 2001, section 3.1). For short intervals that
adds 1 to the shape, which is the EM form λ = (a + Σ count) / (a/m + Σ τ) of counted changes; for
long ones, in which a change was sure to be seen, it adds next to nothing, as it should.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from heapq import nlargest

import msgspec

SLOWEST, FASTEST = 1e-5, 7.0
"""Rates beyond these are not believed, in changes a day. The upper one is that of the published
estimator (LearnChRates_IncomplObs in LambdaCrawlExps.py, github.com/microsoft/
Optimal-Freshness-Crawl-Scheduling); its lower one, 0.0005, is above the rate of a third of the GPTs
of a store, and the ceiling of staleness does its work here."""
SHORTEST = 1e-6
"""Days: an interval below says nothing."""

_LEAST_SHAPE, _MOST_SHAPE = 0.05, 1e4
_PRIOR_SHAPES = (0.1, 5.0)
"""Bounds of a learned prior's shape: half of what is known at the beginning is poor data."""
_LEARNABLE = 50
"""GPTs with evidence from which a prior is learned at all."""
_POOLED = 100.0
_MOST_STRATA = 1000
"""GPTs of the whole catalog that a stratum's own are mixed with: few do not make a prior."""


class Belief(msgspec.Struct, frozen=True):
    """A Gamma distribution over a change rate.

    Attributes:
        shape: a; the larger, the surer.
        days: the rate parameter b, in days.
    """

    shape: float
    days: float

    @property
    def rate(self) -> float:
        """The mean change rate, a day."""
        return self.shape / self.days

    @property
    def log_rate(self) -> float:
        """The mean of the change rate's natural logarithm."""
        return digamma(self.shape) - math.log(self.days)


class Evidence(msgspec.Struct, frozen=True):
    """What a GPT's own visits add to its prior. Two columns of the store.

    Attributes:
        shape: to the shape: nearly the number of changes seen.
        days: to the days: nearly those watched.
    """

    shape: float = 0.0
    days: float = 0.0

    def __bool__(self) -> bool:
        return self.shape != 0 or self.days != 0


Prior = Belief
"""What is believed of a GPT without a visit of its own."""

STORE = Prior(0.3, 0.3 / 0.0158)
"""The prior before anything was learned. Its mean is the share of GPT-days with a change of content
in a public daily archive of the store's lists over 533 days; its shape fits the spread of the 185
GPTs there with 60 pairs of days or more."""


class Sums(msgspec.Struct, frozen=True):
    """What of a set of GPTs is enough to learn their prior from. Sums over parts can be added.

    Attributes:
        gpts: how many have evidence of their own; only these are counted.
        rate: the sum of :attr:`Belief.rate`.
        log_rate: the sum of :attr:`Belief.log_rate`.
    """

    gpts: float = 0.0
    rate: float = 0.0
    log_rate: float = 0.0

    def __add__(self, other: Sums) -> Sums:
        return Sums(self.gpts + other.gpts, self.rate + other.rate, self.log_rate + other.log_rate)

    def times(self, factor: float) -> Sums:
        """The sums of ``factor`` such sets."""
        return Sums(self.gpts * factor, self.rate * factor, self.log_rate * factor)


class Priors(msgspec.Struct, frozen=True):
    """The priors of a day.

    Attributes:
        overall: of all GPTs, and of those in no stratum.
        strata: by the caller's name for GPTs alike.
    """

    overall: Prior = STORE
    strata: dict[str, Prior] = {}

    def of(self, stratum: str) -> Prior:
        """The prior of a stratum."""
        return self.strata.get(stratum, self.overall)


def believed(prior: Prior, evidence: Evidence) -> Belief:
    """What is believed of a GPT: its prior and its own visits together."""
    shape = min(_MOST_SHAPE, max(_LEAST_SHAPE, prior.shape + evidence.shape))
    days = min(shape / SLOWEST, max(shape / FASTEST, prior.days + evidence.days))
    return Belief(shape, days)


def learn(
    prior: Prior,
    evidence: Evidence,
    days: float,
    *,
    changed: bool,
    memory: float | None = None,
) -> Evidence:
    """Take in what a visit said of the time since the one before.

    Args:
        prior: of GPTs alike.
        evidence: of the visits before.
        days: since the last document that was taken in.
        changed: whether the content or the status differs from that one's. The caller leaves out
            what is marked (a flap, a disagreement, a mass event) and what is no content (rule 17).
        memory: days in which evidence loses half its weight; None for never.

    Returns:
        The evidence with it. A visit at the same moment changes nothing.
    """
    if days < SHORTEST:
        return evidence
    if memory is not None:
        kept = 0.5 ** (days / memory)
        evidence = Evidence(evidence.shape * kept, evidence.days * kept)
    before = believed(prior, evidence)
    if not changed:
        return Evidence(evidence.shape, evidence.days + days)
    after = _changed(before, days)
    return Evidence(
        evidence.shape + after.shape - before.shape, evidence.days + after.days - before.days
    )


def _changed(belief: Belief, days: float) -> Belief:
    """The Gamma nearest to ``belief`` times 1 − e^(−λτ)."""
    a, b = belief.shape, belief.days
    grown = math.log1p(days / b)
    unseen = math.exp(-a * grown)  # the chance that nothing changed
    seen = -math.expm1(-a * grown)
    rate = (a / b) * (1 - unseen * b / (b + days)) / seen
    log_rate = digamma(a) - math.log(b) + unseen * grown / seen
    shape = _shape_of(math.log(rate) - log_rate)
    return Belief(shape, shape / rate)


def learn_prior(sums: Sums, before: Prior = STORE) -> Prior:
    """One step of empirical Bayes: the Gamma with the mean of λ and of ln λ over the GPTs.

    It is the M-step of EM, the beliefs under the prior before being its E-step; taken once a day it
    climbs to the prior under which the visits were likeliest.

    Args:
        sums: over GPTs with evidence, their beliefs as of their last visits.
        before: the prior that stands, kept while there is too little to learn from.
    """
    if sums.gpts < _LEARNABLE:
        return before
    rate = min(FASTEST, max(SLOWEST, sums.rate / sums.gpts))
    spread = math.log(rate) - sums.log_rate / sums.gpts
    low, high = _PRIOR_SHAPES
    shape = min(high, max(low, _shape_of(max(spread, 1e-6))))
    return Prior(shape, shape / rate)


def learn_priors(by_stratum: Mapping[str, Sums], before: Priors) -> Priors:
    """The priors of a new day.

    A stratum's own GPTs are mixed with :data:`_POOLED` of the catalog's average, so a small one
    stays near the whole and a large one speaks for itself.

    Args:
        by_stratum: the sums of each; "" for GPTs in none. The largest of them have a prior of
            their own.
        before: the priors that stand.
    """
    total = sum(by_stratum.values(), Sums())
    overall = learn_prior(total, before.overall)
    if total.gpts < _LEARNABLE:
        return before
    average = total.times(_POOLED / total.gpts)
    named = [name for name in by_stratum if name]
    # Names of strata come from strangers: those of few GPTs would be near the whole anyway.
    largest = nlargest(_MOST_STRATA, named, key=lambda name: (by_stratum[name].gpts, name))
    strata = {name: learn_prior(by_stratum[name] + average, overall) for name in sorted(largest)}
    return Priors(overall, strata)


def digamma(x: float) -> float:
    """ψ(x) for x > 0: by recurrence to 6, then Abramowitz and Stegun 6.3.18."""
    shift = 0.0
    while x < 6:  # noqa: PLR2004 - from there the series is exact to 1e-9
        shift -= 1 / x
        x += 1
    i = 1 / (x * x)
    return shift + math.log(x) - 0.5 / x - i * (1 / 12 - i * (1 / 120 - i / 252))


def trigamma(x: float) -> float:
    """The derivative of ψ for x > 0: as above, 6.4.12."""
    shift = 0.0
    while x < 6:  # noqa: PLR2004 - as above
        shift += 1 / (x * x)
        x += 1
    i = 1 / (x * x)
    return shift + 1 / x + i / 2 + (i / x) * (1 / 6 - i * (1 / 30 - i / 42))


def _shape_of(spread: float) -> float:
    """The shape a of the Gamma with ln(mean) − mean(ln) = ln a − ψ(a) = ``spread`` > 0.

    Minka, *Estimating a Gamma distribution*, 2002: his start, then Newton's steps in ln a.
    """
    c = max(spread, 1e-9)
    a = (3 - c + math.sqrt((c - 3) ** 2 + 24 * c)) / (12 * c)
    for _ in range(2):
        miss = math.log(a) - digamma(a) - c
        a *= math.exp(-miss / (1 - a * trigamma(a)))
    return min(_MOST_SHAPE, max(_LEAST_SHAPE, a))
