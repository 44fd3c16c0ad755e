"""Small worlds: a few GPTs of which a few sources say little, at once and in contradiction.

The alphabets are tiny on purpose: two documents drawn from them often differ in one field, agree in
all, come at one moment, or say again what was said before. Observations are made from bytes, as
harvest and import make them.
"""

from __future__ import annotations

import itertools
import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec
from hypothesis import strategies as st

from catalog.derive import Derivation
from catalog.intake import take
from catalog.records import Observation, Reading, Verdict
from catalog.secrets import Redactor
from catalog.storage import engine as engines
from catalog.storage.dump import dump
from catalog.storage.observe import observe
from catalog.storage.sources import add_source
from catalog.storage.stage2 import settle
from catalog.times import DAY, HOUR, Micros, from_iso, to_iso

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection, Engine

START: Micros = from_iso("2024-03-01T22:30:00Z")
TIMES: tuple[Micros, ...] = (
    START,
    START + HOUR,
    START + 2 * HOUR,  # the next UTC day
    START + 3 * DAY,
    START + 45 * DAY,
)
NOW: Micros = START + 100 * DAY
SOURCES = ("alpha", "beta", "gamma")
GPTS = ("g-Law000001", "g-Law000002", "g-Law000003")

ABSENT: Any = ...
"""The value of a field that a document does not send."""

_RULES = Derivation()
_NO_SECRETS = Redactor(())


# Documents.


def document(gizmo_id: str = GPTS[0], **said: Any) -> dict[str, Any]:
    """A document that says ``said`` and nothing else.

    Args:
        gizmo_id: the id it carries.
        said: values by the short names of :data:`PLACES`; ``ABSENT`` ones are left out.
    """
    made: dict[str, Any] = {"gizmo": {"id": gizmo_id}}
    for name, value in said.items():
        if value is ABSENT:
            continue
        inner = made
        *way, last = PLACES[name]
        for step in way:
            inner = inner.setdefault(step, {})
        inner[last] = value
    return made


PLACES: dict[str, tuple[str, ...]] = {
    "name": ("gizmo", "display", "name"),
    "description": ("gizmo", "display", "description"),
    "starters": ("gizmo", "display", "prompt_starters"),
    "categories": ("gizmo", "display", "categories"),
    "picture_id": ("gizmo", "display", "profile_pic_id"),
    "picture_url": ("gizmo", "display", "profile_picture_url"),
    "tags": ("gizmo", "tags"),
    "updated_at": ("gizmo", "updated_at"),
    "version": ("gizmo", "version"),
    "interactions": ("gizmo", "num_interactions"),
    "conversations": ("gizmo", "vanity_metrics", "num_conversations_str"),
    "ago": ("gizmo", "vanity_metrics", "created_ago_str"),
    "ratings": ("gizmo", "vanity_metrics", "review_stats", "by_rating"),
    "user_id": ("gizmo", "author", "user_id"),
    "author": ("gizmo", "author", "display_name"),
    "socials": ("gizmo", "author", "display_socials"),
    "novelty": ("gizmo", "novelty"),
    "tools": ("tools",),
    "files": ("files",),
    "mime_types": ("product_features", "attachments", "accepted_mime_types"),
}


def tool(kind: str, number: int = 1, **metadata: Any) -> dict[str, Any]:
    """A tool as sent: its id carries the configuration's."""
    return {"id": f"gzm_cnf_{number}~gzm_tool_{number}", "type": kind, "metadata": metadata or None}


def file(name: str, configuration: int = 1, kind: str = "text/plain") -> dict[str, Any]:
    """A file as sent: its id carries the configuration's before its own."""
    return {"id": f"gzm_cnf_{configuration}~gzm_file_{name}", "type": kind}


def social(kind: str, number: int = 1, *, verified: bool = True) -> dict[str, Any]:
    """An account that an author shows."""
    return {"id": f"{kind}verify-{number}", "type": kind, "verified": verified}


ALPHABET: dict[str, tuple[Any, ...]] = {
    "name": ("Tide", "Ebb", "Tide", ABSENT, None),
    "description": ("", "a & b", "a &amp; b", ABSENT, None),
    "starters": (ABSENT, None, [], ["When?"], ["When?", "Where?"], ["Where?", "When?"]),
    "categories": (ABSENT, [], ["other"], ["Other", "research"]),
    "picture_id": (ABSENT, ABSENT, None, "file-one", "file-two"),
    "tags": (ABSENT, None, [], ["public"], ["public", "first"], ["first", "public"]),
    "updated_at": (
        ABSENT,
        *(to_iso(at) for at in (START - DAY, TIMES[1], TIMES[3], TIMES[3] + 2 * DAY)),
    ),
    "version": (ABSENT, 1, 2),
    "conversations": (ABSENT, None, "", "96", "1K+"),
    "ratings": (ABSENT, {"5": 0}, {"5": -0.0}, {"5": 0.5, "4": None}),
    "user_id": (ABSENT, None, "user-one", "user-two"),
    "author": ("Ann", "Bob", ABSENT, None),
    "socials": (ABSENT, [], [social("github")], [social("github", 2, verified=False)]),
    "novelty": (ABSENT, ABSENT, 1, {"inner": "x"}),
    "tools": (
        ABSENT,
        None,
        [],
        [tool("dalle")],
        [tool("DALLE", 2)],
        [tool("browser"), tool("plugins_prototype", domain="a.test", json_schema={"x": 1})],
        [tool("plugins_prototype", domain="a.test"), tool("browser", 3)],
    ),
    "files": (ABSENT, [], [file("a")], [file("a", 2), file("b")], [file("a", kind="text/html")]),
    "mime_types": (ABSENT, ABSENT, None, ["a/b"], ["a/b", "c/d"], ["c/d", "a/b"]),
}
"""What each field may say; what stands twice is said more often."""

STATS: tuple[Any, ...] = (ABSENT, {"read": 1}, {"read": 2, "use": 0})


def wrapped(said: dict[str, Any], stat: Any = ABSENT) -> tuple[bytes, str]:
    """The payload that holds a document, and where in it the gizmo object lies."""
    if stat is ABSENT:
        return json.dumps(said).encode(), "gizmo"
    return json.dumps({"info": said, "stat": stat}).encode(), "info.gizmo"


# Observations.


def state_document(
    said: dict[str, Any],
    *,
    source: str = SOURCES[0],
    at: Micros = START,
    stat: Any = ABSENT,
    run: str = "",
) -> Observation:
    """That ``source`` said a document at ``at``."""
    payload, wrapping = wrapped(said, stat)
    reading = Reading(
        verdict=Verdict.DOCUMENT,
        gizmo_id=said["gizmo"]["id"],
        payload=payload,
        wrapping=wrapping,
        said_at=at,
    )
    return _taken(reading, source, run)


def state_absence(
    gizmo_id: str = GPTS[0],
    *,
    source: str = SOURCES[0],
    at: Micros = START,
    verdict: str = "counted",
    run: str = "",
) -> Observation:
    """That ``source`` said at ``at`` that there is no such GPT, and what its run made of it."""
    reading = Reading(verdict=Verdict.NOT_FOUND, gizmo_id=gizmo_id, said_at=at)
    return msgspec.structs.replace(_taken(reading, source, run), verdict=verdict)


def _taken(reading: Reading, source: str, run: str) -> Observation:
    taken = take(
        reading,
        source=source,
        run_id=run,
        received_at=NOW,
        said_at=(),
        redactor=_NO_SECRETS,
        normalize=_RULES.document,
    )
    assert taken.observation is not None
    return taken.observation


_FIELDS = {name: st.sampled_from(values) for name, values in ALPHABET.items()}
_OFTEN = ("updated_at", "updated_at", "updated_at", "name", "name", "tags", "tools", "mime_types")
_MOVES = st.dictionaries(
    st.sampled_from((*_OFTEN, *ALPHABET)), st.integers(0, 6), min_size=1, max_size=6
)
_PLACES = st.tuples(
    st.sampled_from((GPTS[:1], GPTS[:1], GPTS[1:2], GPTS[:2], GPTS)),
    st.sampled_from(SOURCES[:1] * 3 + SOURCES[1:2] + SOURCES),
    st.sampled_from((*((at,) for at in TIMES), TIMES[:2], TIMES[2:4], TIMES[3:])),
)
_DOCUMENTS = st.tuples(_PLACES, st.sampled_from(STATS[:1] + STATS), _MOVES)
_ABSENCES = st.tuples(_PLACES, st.sampled_from(("counted", "counted", "counted", "held")))


@st.composite
def worlds(draw: st.DrawFn, least: int = 4, most: int = 10) -> list[Observation]:
    """All that is ever said in a small world: each observation once, in time order.

    Every document is the world's own with a few fields moved, so that much is said again, by
    others, and of several GPTs at once.

    Args:
        draw: Hypothesis's.
        least: how many times something is said, at least.
        most: how many times at most.
    """
    base = draw(st.fixed_dictionaries(_FIELDS))
    said: list[Observation] = []
    for drawn in draw(
        st.lists(
            st.one_of(_DOCUMENTS, _DOCUMENTS, _DOCUMENTS, _ABSENCES), min_size=least, max_size=most
        )
    ):
        gpts, source, times = drawn[0]
        for gizmo_id, at in itertools.product(gpts, times):
            if len(drawn) == 2:
                said.append(state_absence(gizmo_id, source=source, at=at, verdict=drawn[1]))
            else:
                moved = {
                    name: ALPHABET[name][number % len(ALPHABET[name])]
                    for name, number in drawn[2].items()
                }
                made = document(gizmo_id, **{**base, **moved})
                said.append(state_document(made, source=source, at=at, stat=drawn[1]))
    return in_time_order(said)


def in_time_order(said: Sequence[Observation]) -> list[Observation]:
    """Each observation once, as identified by the design: the first of equal ones stands."""
    once: dict[tuple[str, str, Micros, bytes], Observation] = {}
    for each in said:
        once.setdefault((each.gizmo_id, each.source, each.observed_at, each.digest), each)
    return sorted(once.values(), key=lambda o: (o.observed_at, o.gizmo_id, o.source, o.digest))


class Arrival(msgspec.Struct, frozen=True):
    """A batch as it reaches the catalog.

    Attributes:
        batch: its observations.
        settled: whether stage 2 is settled behind it.
    """

    batch: list[Observation]
    settled: bool


@st.composite
def arrivals(draw: st.DrawFn, world: Sequence[Observation]) -> list[Arrival]:
    """Any order, any split into batches, any repetition of what a world says."""
    repeated = draw(st.lists(st.sampled_from(world), max_size=3))
    order = draw(st.permutations([*world, *repeated]))
    ends = draw(
        st.lists(
            st.sampled_from(("", "", "batch", "settle")), min_size=len(order), max_size=len(order)
        )
    )
    found: list[Arrival] = []
    batch: list[Observation] = []
    for each, end in zip(order, ends, strict=True):
        batch.append(each)
        if end:
            found.append(Arrival(batch, end == "settle"))
            batch = []
    return [*found, Arrival(batch, settled=True)]


# Catalogs.


class _UndoneError(Exception):
    pass


def _undo() -> None:
    raise _UndoneError


@contextmanager
def scratch(engine: Engine) -> Iterator[Connection]:
    """A write transaction that knows the sources, and is undone at its end."""
    try:
        with engines.write(engine) as conn:
            for source in SOURCES:
                add_source(conn, source, "recorded", START)
            yield conn
            _undo()
    except _UndoneError:
        pass


@contextmanager
def undone(conn: Connection) -> Iterator[None]:
    """Undo what happens within."""
    savepoint = conn.begin_nested()
    yield
    savepoint.rollback()


def keep(conn: Connection, *batches: Sequence[Observation]) -> None:
    """Observe batch after batch, and settle at the end."""
    for batch in batches:
        observe(conn, _RULES, batch)
    settle(conn, _RULES)


def dumped(conn: Connection) -> list[bytes]:
    """The logical dump."""
    return list(dump(conn))
