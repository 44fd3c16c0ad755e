"""``/gpts/ID``: everything about one GPT; two dates of it side by side; its raw document."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.responses import RedirectResponse, Response

from catalog.errors import NotFound
from catalog.references import parse_reference
from catalog.times import DAY, Micros, to_iso
from catalog.web.asking import moment, shortest
from catalog.web.comparing import compare as compared
from catalog.web.folding import fold
from catalog.web.graphs import graphs
from catalog.web.portrait import portrait
from catalog.web.rendering import render, url
from catalog.wording.text import harmless, shorten

if TYPE_CHECKING:
    from starlette.requests import Request

    from catalog.query.gizmos import Gizmo
    from catalog.query.reader import Reader
    from catalog.web.reading import Reading

LONGEST_RAW = 60_000
"""Characters of a document that its page shows; the whole is there to download."""
MOST_CHANGES = 150
"""Changes of a timeline that a page shows, the latest; the others are in the list of changes."""


async def show(request: Request) -> Response:
    """The page."""
    reading: Reading = request.app.state.reading
    typed = request.path_params["gizmo_id"]
    gizmo_id = parse_reference(typed)
    if gizmo_id != typed:
        # Whatever a person pasted in: an address, a short URL, a model's name.
        return RedirectResponse(url(f"/gpts/{gizmo_id}"), 307)
    query = request.query_params
    at = moment("at", query.get("at"), end_of_day=True)
    known_at = moment("known_at", query.get("known_at"), end_of_day=True)
    gizmo, history, metrics = await asyncio.gather(
        reading.ask(lambda reader: reader.get(gizmo_id, at=at, known_at=known_at)),
        reading.ask(lambda reader: reader.history(gizmo_id, until=at, known_at=known_at)),
        reading.ask(lambda reader: reader.metrics(gizmo_id, until=at)),
    )
    # Stated or not, hidden or not: a single GPT's history is told whole, the latest first.
    changes = history.changes[-MOST_CHANGES:][::-1]
    now = reading.now
    return render(
        request,
        "gpt.html",
        gizmo=gizmo,
        portrait=portrait(gizmo),
        days=fold(changes, {}, all_single=True),
        hidden=len(history.changes) - len(changes),
        total=len(history.changes),
        history=history,
        graphs=graphs(metrics, until=at or now),
        at=query.get("at") or "",
        first_day=shortest(history.statuses[0].valid_from)[:10],
        last_day=to_iso(at or now)[:10],
        known_at=query.get("known_at") or "",
    )


async def compare(request: Request) -> Response:
    """Two dates side by side."""
    reading: Reading = request.app.state.reading
    gizmo_id = parse_reference(request.path_params["gizmo_id"])
    query = request.query_params
    now = reading.now
    gizmo = await reading.ask(lambda reader: reader.get(gizmo_id))
    before = moment("from", query.get("from"), end_of_day=True)
    after = moment("to", query.get("to"), end_of_day=True)
    if before is None:
        before = gizmo.first_seen_at // DAY * DAY + DAY - 1
    if after is None:
        after = now // DAY * DAY + DAY - 1
    left, right = await asyncio.gather(
        reading.ask(lambda reader: _at(reader, gizmo_id, before)),
        reading.ask(lambda reader: _at(reader, gizmo_id, after)),
    )
    return render(
        request,
        "compare.html",
        gizmo=gizmo,
        before=before,
        after=after,
        left=left,
        right=right,
        rows=compared(left, right) if left and right else (),
    )


async def raw(request: Request) -> Response:
    """The document as it came: looked at, or, with ``?download``, byte for byte."""
    reading: Reading = request.app.state.reading
    gizmo_id = parse_reference(request.path_params["gizmo_id"])
    query = request.query_params
    at = moment("at", query.get("at"), end_of_day=True)
    found = await reading.ask(lambda reader: reader.original(gizmo_id, at=at))
    if "download" in query:
        # Never shown by a browser as anything: it holds what strangers wrote.
        return Response(
            found.payload,
            media_type="application/octet-stream",
            headers={"Content-Disposition": f'attachment; filename="{gizmo_id}.json"'},
        )
    document, is_json = _readable(found.payload)
    return render(
        request,
        "raw.html",
        found=found,
        document=shorten(document, LONGEST_RAW),
        is_cut=len(document) > LONGEST_RAW,
        is_json=is_json,
        at=query.get("at") or "",
    )


def _at(reader: Reader, gizmo_id: str, at: Micros) -> Gizmo | None:
    try:
        return reader.get(gizmo_id, at=at)
    except NotFound:
        return None


def _readable(payload: bytes) -> tuple[str, bool]:
    """A payload to be looked at, and whether it is JSON."""
    try:
        value: Any = msgspec.json.decode(payload)
        text = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return harmless(payload.decode("utf-8", "replace"), lines=True), False
    return harmless(text, lines=True), True
