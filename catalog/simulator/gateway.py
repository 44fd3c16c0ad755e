"""The simulated gateway: every dialect over real HTTP, on loopback.

Answers are pure functions of (population, simulated moment, fault plan, attempt); the only state is
the count of attempts, the statistics, and a bounded cache of encoded answers.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from aiohttp import web

from catalog.records import Verdict
from catalog.simulator import wrappings
from catalog.simulator.clock import SimulatedClock
from catalog.simulator.faults import Fault, FaultKind, FaultPlan, FaultTimes
from catalog.simulator.misbehave import http_date, misbehave
from catalog.simulator.population import Population
from catalog.simulator.wrappings import Mount
from catalog.times import DAY, SECOND, Micros

SIMULATED_KEY = "simulated-gateway-key"
"""The key that a gateway takes unless it is told otherwise; it is no secret."""

_MOUNTS = {mount.value: mount for mount in Mount}
_CHAT_PATHS = frozenset({"v1/chat/completions", "chat/completions"})
_SEARCH_PATHS = {"v1/gpts/search": "search", "v2/gpts/search": "query"}
_PROBE = "-gizmo-"
_SEARCHED = 2000
_SEARCHED_NEW = 14 * DAY
_FOUND = 10
_OTHERS = 32
_JSON = "application/json"


class Gateway:
    """Answers questions about a population.

    Args:
        population: the GPTs.
        clock: the simulated time.
        faults: what goes wrong, if anything.
        key: the bearer key that is taken.
        rate_limit: questions a second of real time; more are answered by 429 with an empty body.
        times: how slow and how large faults are.
        remembered: how many encoded answers are kept.
    """

    def __init__(
        self,
        population: Population,
        clock: SimulatedClock,
        *,
        faults: FaultPlan | None = None,
        key: str = SIMULATED_KEY,
        rate_limit: float | None = None,
        times: FaultTimes | None = None,
        remembered: int = 8192,
    ) -> None:
        self.population = population
        self.clock = clock
        self.plan = faults
        self.times = times or FaultTimes()
        self.requests = 0
        self.rate_limited = 0
        self.statuses: Counter[int] = Counter()
        self.faults: Counter[FaultKind] = Counter()
        self.attempts: Counter[str] = Counter()
        self._hits: Counter[str] = Counter()
        self._authorization = f"Bearer {key}"
        self._rate_limit = rate_limit
        self._tokens = rate_limit or 0.0
        self._filled_at = 0.0
        self._remembered = remembered
        self._answers: OrderedDict[tuple[Mount, str, Micros], bytes | None] = OrderedDict()
        self._names: dict[str, str] = {}
        self._date = (0, "")

    def misbehave_as(self, plan: FaultPlan | None) -> None:
        """Follow another fault plan from now on; attempts made so far no longer count."""
        self.plan = plan
        self._hits.clear()

    def truth(self, ids: Iterable[str], mount: Mount = Mount.PLAIN) -> dict[str, Verdict]:
        """How a harvest of ``ids`` that starts now must end, id by id."""
        return {gizmo_id: self._truth(gizmo_id, mount) for gizmo_id in ids}

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer to one question.

        Args:
            request: anything but what stands under ``/_sim/``.
        """
        self.requests += 1
        mount_name, _, path = request.path.lstrip("/").partition("/")
        mount = _MOUNTS.get(mount_name)
        if mount is None:
            return self._json(404, wrappings.error("Not Found"))
        if request.headers.get("Authorization") != self._authorization:
            said = "无效的令牌" if "Authorization" in request.headers else "未提供令牌"
            return self._json(401, wrappings.error(f"{said} (request id: {self.requests})"))
        if self._is_too_fast():
            self.rate_limited += 1
            return self._json(429, b"")
        if path in _CHAT_PATHS and request.method == "POST":
            return await self._chat(request, mount)
        match _route(mount, path, request.query) if request.method == "GET" else None:
            case ("detail", gizmo_id):
                return await self._detail(request, mount, gizmo_id)
            case ("search", text):
                return self._search(text)
        return self._no_route(request)

    async def _detail(
        self, request: web.BaseRequest, mount: Mount, gizmo_id: str
    ) -> web.StreamResponse:
        self.attempts[gizmo_id] += 1
        now = self.clock.now()
        at = wrappings.moment(mount, gizmo_id, now)
        body = self._encoded(mount, gizmo_id, at)
        fault = self._fault(gizmo_id, exists=body is not None)
        if fault is None:
            if body is None:
                return self._json(*wrappings.not_found(mount, gizmo_id))
            return self._json(200, body)
        self.faults[fault.kind] += 1
        match fault.kind:
            case FaultKind.NULL_DATA:
                return self._json(200, wrappings.nothing(mount, gizmo_id, at))
            case FaultKind.OTHER_ID:
                return self._json(200, wrappings.detail(mount, self._other(gizmo_id, at), at))
            case FaultKind.NEW_FIELD:
                document = self.population.document(gizmo_id, at) or {}
                return self._json(200, wrappings.detail(mount, _with_new_fields(document), at))
        honest = body if body is not None else wrappings.not_found(mount, gizmo_id)[1]
        return await misbehave(fault, request, honest, now, self.times)

    def _fault(self, gizmo_id: str, *, exists: bool) -> Fault | None:
        """What goes wrong with this attempt, if anything."""
        fault = self.plan.for_id(gizmo_id) if self.plan else None
        if fault is None or (fault.effect.on_document and not exists):
            return None
        self._hits[gizmo_id] += 1
        return fault if fault.hits(self._hits[gizmo_id]) else None

    def _truth(self, gizmo_id: str, mount: Mount) -> Verdict:
        at = wrappings.moment(mount, gizmo_id, self.clock.now())
        exists = self.population.exists(gizmo_id, at)
        if self.plan is None:
            return Verdict.DOCUMENT if exists else Verdict.NOT_FOUND
        return self.plan.expected(gizmo_id, exists=exists)

    async def _chat(self, request: web.BaseRequest, mount: Mount) -> web.StreamResponse:
        try:
            question = msgspec.json.decode(await request.read(), type=dict[str, Any])
            model = str(question["model"])
            text = str(question["messages"][-1]["content"]).strip()
        except (msgspec.DecodeError, KeyError, IndexError, TypeError):
            return self._json(400, wrappings.error("invalid request", "invalid_request_error"))
        at = self.clock.now() // SECOND * SECOND
        match model:
            case "get-gpts":
                return await self._detail(request, mount, text)
            case "batch-get-gpts":
                return self._batch(mount, [part.strip() for part in text.split(",")], at)
            case "search-gpts":
                return self._json(200, wrappings.chat_search(self._found(text), at))
        if _PROBE in model:
            return await self._probe(request, model, stream=bool(question.get("stream")), at=at)
        said = f"The model `{model}` does not exist or you do not have access to it."
        body = wrappings.error(said, "invalid_request_error", param=None, code="model_not_found")
        return self._json(404, body)

    def _batch(self, mount: Mount, ids: list[str], at: Micros) -> web.Response:
        """All documents at once; an id that is unknown, or would fail, is left out of the answer.

        So that it is asked singly, and its fault happens there.
        """
        documents = []
        for gizmo_id in ids:
            if self.plan is not None and self.plan.for_id(gizmo_id) is not None:
                continue
            document = self.population.document(gizmo_id, at)
            if document is not None:
                self.attempts[gizmo_id] += 1
                documents.append(document)
        return self._json(200, wrappings.batch(mount, documents, at))

    async def _probe(
        self, request: web.BaseRequest, model: str, *, stream: bool, at: Micros
    ) -> web.StreamResponse:
        gizmo_id = model.partition(_PROBE)[2]
        document = self.population.document(gizmo_id, at)
        fault = self._fault(gizmo_id, exists=document is not None)
        if document is None:
            return self._json(503, wrappings.error(f"无可用渠道: {model}"))
        text = f"Hello! I am {document['gizmo']['display']['name']}. How can I help?"
        if fault is not None and not fault.effect.on_document:
            self.faults[fault.kind] += 1
            honest = wrappings.completion(model, text, at)
            return await misbehave(fault, request, honest, at, self.times)
        if stream:
            self.statuses[200] += 1
            body = wrappings.stream(model, text, at)
            return web.Response(body=body, content_type="text/event-stream")
        return self._json(200, wrappings.completion(model, text, at))

    def _search(self, query: str) -> web.Response:
        at = self.clock.now() // SECOND * SECOND
        return self._json(200, wrappings.search(self._found(query), query, at))

    def _found(self, query: str) -> list[dict[str, Any]]:
        """The first documents whose name holds the query; of large populations a part alone."""
        now = self.clock.now() // SECOND * SECOND
        new = [gizmo_id for gizmo_id, _ in self.population.born(now - _SEARCHED_NEW, now)]
        known = (
            gizmo_id for gizmo_id, _ in zip(self.population.ids(), range(_SEARCHED), strict=False)
        )
        wanted = query.casefold()
        found = []
        for gizmo_id in (*new[-_SEARCHED:], *known):
            # The names of the first meeting serve as an index; what is shown is of this moment.
            if gizmo_id not in self._names:
                first = self.population.document(gizmo_id, now)
                self._names[gizmo_id] = _name(first).casefold()
            if wanted in self._names[gizmo_id]:
                document = self.population.document(gizmo_id, now)
                if document is not None:
                    found.append(document)
            if len(found) == _FOUND:
                break
        return found

    def _other(self, gizmo_id: str, at: Micros) -> dict[str, Any]:
        """The document of some other GPT, always the same one for an id."""
        for other in self.population.others(gizmo_id, _OTHERS):
            document = self.population.document(other, at)
            if document is not None:
                return document
        return self.population.document(gizmo_id, at) or {}

    def _encoded(self, mount: Mount, gizmo_id: str, at: Micros) -> bytes | None:
        key = (mount, gizmo_id, at)
        if key in self._answers:
            self._answers.move_to_end(key)
            return self._answers[key]
        document = self.population.document(gizmo_id, at)
        body = None if document is None else wrappings.detail(mount, document, at)
        self._answers[key] = body
        if len(self._answers) > self._remembered:
            self._answers.popitem(last=False)
        return body

    def _is_too_fast(self) -> bool:
        """Whether this question is one too many: a bucket that holds one second's questions."""
        if self._rate_limit is None:
            return False
        now = asyncio.get_running_loop().time()
        filled = (now - self._filled_at) * self._rate_limit
        self._tokens = min(max(1.0, self._rate_limit), self._tokens + filled)
        self._filled_at = now
        if self._tokens < 1:
            return True
        self._tokens -= 1
        return False

    def _no_route(self, request: web.BaseRequest) -> web.Response:
        said = f"Invalid URL ({request.method} {request.path})"
        body = wrappings.error(said, "invalid_request_error", param="", code="")
        return self._json(404, body)

    def _json(self, status: int, body: bytes) -> web.Response:
        self.statuses[status] += 1
        second = self.clock.now() // SECOND
        if self._date[0] != second:
            self._date = (second, http_date(second * SECOND))
        headers = {"Date": self._date[1]}
        if body:
            headers["Content-Type"] = _JSON
        return web.Response(status=status, body=body, headers=headers)


def _route(mount: Mount, path: str, query: Mapping[str, str]) -> tuple[str, str] | None:
    """What a GET asks for: ("detail", id) or ("search", text)."""
    if mount is Mount.MJ:
        return ("detail", query.get("id", "")) if path == "mj/gpts/info" else None
    if mount.is_chat:
        return None
    if path in _SEARCH_PATHS:
        return "search", query.get(_SEARCH_PATHS[path], "")
    if path in {"v1/gpts/", "v1/gpts"}:
        if "keyword" in query:
            return "search", query["keyword"]
        return "detail", query.get("id", "")
    return ("detail", path.removeprefix("v2/gpts/")) if path.startswith("v2/gpts/") else None


def _name(document: dict[str, Any] | None) -> str:
    return str(document["gizmo"]["display"]["name"]) if document else ""


def _with_new_fields(document: dict[str, Any]) -> dict[str, Any]:
    gizmo = {**document["gizmo"], "invented_score": 7, "invented_parts": [{"colour": "blue"}]}
    return {**document, "gizmo": gizmo, "invented_notes": None}
