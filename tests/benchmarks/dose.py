"""How much is measured, as the environment says it."""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec

_DOCUMENTS = 200
_GPTS = 2000
_GROWN = 1000
_REQUESTS = 320
_RUNS = 3
_ROUNDS = 2
_LEAST = 20


class Dose(msgspec.Struct, frozen=True, kw_only=True):
    """How much is measured.

    Attributes:
        documents: GPTs in the population; a few of them are gone already.
        requests: questions in one run of a harvest.
        runs: how often each thing is measured; the medians are told.
        rounds: further observations of each GPT that are counted, of each kind, for bytes.
        seed: the population's.
        gpts: GPTs to browse; these are made without documents.
        grown: GPTs of the large catalog over which each step is taken.
    """

    documents: int = _DOCUMENTS
    requests: int = _REQUESTS
    runs: int = _RUNS
    rounds: int = _ROUNDS
    seed: int = 1
    gpts: int = _GPTS
    grown: int = _GROWN


def read_dose(environ: Mapping[str, str]) -> Dose:
    """The dose that ``GPTS_BENCH_SCALE``, ``…_RUNS``, ``…_GPTS`` and ``…_GROWN`` ask for.

    Raises:
        SystemExit: one of them is no such number.
    """
    try:
        scale = float(environ.get("GPTS_BENCH_SCALE") or 1)
        runs, gpts, grown = (
            int(environ.get(f"GPTS_BENCH_{name}") or otherwise)
            for name, otherwise in (("RUNS", _RUNS), ("GPTS", _GPTS), ("GROWN", _GROWN))
        )
    except ValueError as error:
        raise SystemExit(
            f"GPTS_BENCH_SCALE, …_RUNS, …_GPTS, …_GROWN are numbers: {error}"
        ) from None
    if not (math.isfinite(scale) and min(scale, runs, gpts, grown) > 0):
        raise SystemExit("GPTS_BENCH_SCALE, …_RUNS, …_GPTS and …_GROWN must be above 0")
    return Dose(
        documents=max(_LEAST, round(_DOCUMENTS * scale)),
        requests=max(_LEAST, round(_REQUESTS * scale)),
        runs=runs,
        gpts=gpts,
        grown=grown,
    )
