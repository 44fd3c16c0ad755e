"""``simulate-gateway``: the simulated gateway by itself."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from catalog.cli.options import read_moment


def simulate_gateway(
    gpts: Annotated[int, typer.Option(help="How many GPTs there are at first.")] = 1000,
    seed: Annotated[int, typer.Option(help="Everything follows from it.")] = 1,
    port: Annotated[int, typer.Option(help="Where to listen; 0 takes a free port.")] = 0,
    faults: Annotated[
        float, typer.Option(help="The share of ids that fail, in all ways there are: 0 to 1.")
    ] = 0.0,
    speed: Annotated[
        float,
        typer.Option(help="Simulated seconds for each real one; 0: the clock stands until told."),
    ] = 0.0,
    start: Annotated[
        str | None, typer.Option(metavar="T", help="When the simulation begins.")
    ] = None,
    rate_limit: Annotated[
        float | None, typer.Option(help="Questions a second; more are answered by 429.")
    ] = None,
    pace: Annotated[float, typer.Option(help="How many times faster than real GPTs change.")] = 1.0,
    ids: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the ids there, for harvest --refs.")
    ] = None,
) -> None:
    """Run a gateway that answers as real ones do, on this machine alone, until Ctrl-C.

    It prints one line with its address and its key when it is ready. Each wrapping has an address
    of its own below it: plain, info, bare, mj, chat, chat-object. GPTS_CATALOG_CLOCK may name its
    clock, at /_sim/clock: GET reads it, and POST of {"advance_seconds": 86400} or of
    {"now": "2024-05-01T00:00:00Z"} moves it.
    """
    # The simulator brings a web server along, which no other command needs.
    from catalog.simulator import START, Population, serve, write_ids

    begin = read_moment(start, "--start")
    begin = START if begin is None else begin
    if ids is not None:
        write_ids(Population(seed, gpts, begin, pace), ids)
    serve(
        sys.stdout,
        size=gpts,
        seed=seed,
        port=port,
        faults=faults,
        speed=speed,
        start=begin,
        rate_limit=rate_limit,
        pace=pace,
    )
