"""How much is measured, as the environment says it."""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec

_DOCUMENTS = 200
_GPTS = 2000
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
    """

    documents: int = _DOCUMENTS
    requests: int = _REQUESTS
    runs: int = _RUNS
    rounds: int = _ROUNDS
    seed: int = 1
    gpts: int = _GPTS


def read_dose(environ: Mapping[str, str]) -> Dose:
    """The dose that ``GPTS_BENCH_SCALE``, ``…_RUNS`` and ``…_GPTS`` ask for; a short one without.

    Raises:
        SystemExit: one of them is no such number.
    """
    try:
        scale = float(environ.get("GPTS_BENCH_SCALE") or 1)
        runs = int(environ.get("GPTS_BENCH_RUNS") or _RUNS)
        gpts = int(environ.get("GPTS_BENCH_GPTS") or _GPTS)
    except ValueError as error:
        raise SystemExit(
            f"GPTS_BENCH_SCALE, GPTS_BENCH_RUNS and GPTS_BENCH_GPTS are numbers: {error}"
        ) from None
    if not (math.isfinite(scale) and scale > 0 and runs > 0 and gpts > 0):
        raise SystemExit("GPTS_BENCH_SCALE, GPTS_BENCH_RUNS and GPTS_BENCH_GPTS must be above 0")
    return Dose(
        documents=max(_LEAST, round(_DOCUMENTS * scale)),
        requests=max(_LEAST, round(_REQUESTS * scale)),
        runs=runs,
        gpts=gpts,
    )
