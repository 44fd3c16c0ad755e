"""The simulator's own endpoints under ``/_sim/``: its clock, its truth, its counts, its faults."""

from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import web

from catalog.errors import CatalogError, UsageError
from catalog.simulator.faults import ALL_KINDS, FaultKind, FaultPlan
from catalog.simulator.gateway import Gateway
from catalog.simulator.wrappings import Mount
from catalog.times import SECOND, parse_moment, to_iso

PREFIX = "/_sim/"


class _ClockOrder(msgspec.Struct, forbid_unknown_fields=True):
    advance_seconds: float | None = None
    now: str | None = None


class _FaultOrder(msgspec.Struct, forbid_unknown_fields=True):
    share: float
    seed: int = 0
    kinds: list[FaultKind] | None = None
    permanent: float = 0.3


async def control(gateway: Gateway, request: web.BaseRequest) -> web.Response:
    """Answer a question under ``/_sim/``.

    ====================== ==========================================================
    ``GET clock``          ``{"now": ISO}``
    ``POST clock``         ``{"advance_seconds": n}`` or ``{"now": ISO}``
    ``GET truth?ids=…``    the verdict each id must end with; ``ids=all``; ``mount=plain``
    ``GET stats``          requests, statuses, faults; ``attempts=1`` adds those of each id
    ``POST faults``        ``{"share": 0.3, "seed": 1, "kinds": […], "permanent": 0.3}``
    ====================== ==========================================================
    """
    try:
        return _reply(200, await _handle(gateway, request))
    except (msgspec.DecodeError, CatalogError, ValueError) as error:
        return _reply(400, {"error": str(error)})


async def _handle(gateway: Gateway, request: web.BaseRequest) -> dict[str, Any]:
    match (request.method, request.path.removeprefix(PREFIX)):
        case ("GET", "clock"):
            pass
        case ("POST", "clock"):
            _set_clock(gateway, msgspec.json.decode(await request.read(), type=_ClockOrder))
        case ("GET", "truth"):
            ids = request.query.get("ids", "all")
            wanted = all_ids(gateway) if ids == "all" else ids.split(",")
            return gateway.truth(wanted, Mount(request.query.get("mount", "plain").strip("/")))
        case ("GET", "stats"):
            return stats(gateway, attempts="attempts" in request.query)
        case ("POST", "faults"):
            order = msgspec.json.decode(await request.read(), type=_FaultOrder)
            kinds = ALL_KINDS if order.kinds is None else order.kinds
            gateway.misbehave_as(FaultPlan(order.seed, order.share, kinds, order.permanent))
            return {"share": order.share, "kinds": list(kinds)}
        case (method, path):
            raise UsageError(f"the simulator knows no {method} {PREFIX}{path}")
    return {"now": to_iso(gateway.clock.now())}


def all_ids(gateway: Gateway) -> list[str]:
    """All ids there ever were, until now."""
    population = gateway.population
    born = population.born(population.start, gateway.clock.now() + 1)
    return [*population.ids(), *(gizmo_id for gizmo_id, _ in born)]


def stats(gateway: Gateway, *, attempts: bool = False) -> dict[str, Any]:
    """What was asked so far.

    Args:
        gateway: of which.
        attempts: also how often each id was asked for.
    """
    counts: dict[str, Any] = {
        "requests": gateway.requests,
        "statuses": {str(status): count for status, count in sorted(gateway.statuses.items())},
        "rate_limited": gateway.rate_limited,
        "faults": {str(kind): count for kind, count in sorted(gateway.faults.items())},
        "asked": len(gateway.attempts),
    }
    if attempts:
        counts["attempts"] = dict(gateway.attempts)
    return counts


def _set_clock(gateway: Gateway, order: _ClockOrder) -> None:
    if (order.now is None) == (order.advance_seconds is None):
        raise UsageError("set the clock by either now or advance_seconds")
    if order.now is not None:
        gateway.clock.set(parse_moment(order.now))
    elif order.advance_seconds is not None:
        gateway.clock.advance(int(order.advance_seconds * SECOND))


def _reply(status: int, value: object) -> web.Response:
    body = msgspec.json.encode(value)
    return web.Response(status=status, body=body, content_type="application/json")
