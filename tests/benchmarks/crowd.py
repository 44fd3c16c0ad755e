"""A crowd of made-up GPTs, written straight into the tables: a million of them within minutes.

What is browsed has the shape of the real thing: words of many languages by Zipf's law, a few very
popular GPTs and a long tail of which nothing is known, one author with a thousand GPTs and most
with one. No document stands behind the rows, and nothing is in the archive; what follows from the
rows (listings, ranks, facets, search index) is made by the catalog's own functions.
"""

from __future__ import annotations

import itertools
import random
import sqlite3
import string
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

import msgspec
import psycopg
from sqlalchemy import Connection, Engine, insert, select

from catalog.records import Row
from catalog.simulator.words import LANGUAGES
from catalog.storage import tables as t
from catalog.storage.engine import open_engine, write
from catalog.storage.facet_sets import count_facets
from catalog.storage.locks import own_derivation
from catalog.storage.migrate import init
from catalog.storage.relisting import refresh
from catalog.storage.rows import insert_rows
from catalog.storage.search_index import tidy_index
from catalog.storage.sources import add_source
from catalog.text import sort_key
from catalog.times import DAY, HOUR, SECOND, Micros, from_iso
from tests.benchmarks.places import sqlite_path

OPENED: Micros = from_iso("2023-11-10T00:00:00Z")
"""When the first GPTs were made."""
HEXADECIMAL: Micros = from_iso("2024-12-01T00:00:00Z")
"""Since when ids begin with the time."""
NOW: Micros = from_iso("2026-02-01T00:00:00Z")
DAYS = 30
"""Days in which GPTs are seen to change."""
CATEGORIES = (
    *("dalle", "writing", "productivity", "research", "programming", "education", "lifestyle"),
    "other",
)

_PART = 5000
WORDS = 20_000
"""Words of a language."""
_FLATTENED = 2.7
"""Mandelbrot's correction: the first few words are not that much more frequent."""
_SHARES = {"en": 55.0, "es": 8.0, "ru": 5.0, "ar": 3.0, "zh": 13.0, "ja": 8.0, "ko": 5.0, "th": 3.0}
_GLYPHS = {"zh": (0x4E00, 6000), "ja": (0x4E00, 2000), "ko": (0xAC00, 11_000)}
_LATIN = "es"
_ARCHIVED = 1
"""The one payload that every observation names."""


class Vocabulary:
    """The words of one language, the most frequent first.

    Args:
        code: of the language.
        chosen: for all choices.
        words: how many.

    Attributes:
        words: the words.
        joint: what stands between two of them.
    """

    def __init__(self, code: str, chosen: random.Random, words: int) -> None:
        self.words = _coined(code, chosen, words)
        self.joint = "" if code in {"zh", "ja", "th"} else " "
        weights = (1 / (rank + _FLATTENED) for rank in range(1, len(self.words) + 1))
        self._weights = list(itertools.accumulate(weights))
        self._chosen = chosen
        self._pool: list[str] = []

    def draw(self, number: int) -> list[str]:
        """So many words of a running text."""
        if len(self._pool) < number:
            self._pool = self._chosen.choices(self.words, cum_weights=self._weights, k=200_000)
        drawn = self._pool[-number:]
        del self._pool[-number:]
        return drawn


def _coined(code: str, chosen: random.Random, number: int) -> list[str]:
    """Distinct words; those of two characters are most in writing without blanks."""
    if code in _GLYPHS:
        first, width = _GLYPHS[code]
        syllables = [chr(first + n) for n in chosen.sample(range(width), min(width, 3000))]
        lengths: tuple[int, ...] = (1, 2, 2, 2, 3) if code != "ko" else (2, 3)
        if code == "ja":
            syllables[:80] = [chr(0x30A2 + n) for n in range(80)]
    else:
        spoken = {language.code: language.syllables.split() for language in LANGUAGES}
        syllables = spoken["fr" if code == _LATIN else code]
        lengths = (2, 3, 4, 5)
    words: dict[str, None] = {}
    while len(words) < number:
        words["".join(chosen.choices(syllables, k=chosen.choice(lengths)))] = None
    return list(words)


class Crowd:
    """Made-up GPTs: the same ones from the same seed.

    Args:
        gpts: how many.
        seed: of all choices.
        words: of each language.

    Attributes:
        vocabularies: the words of each language, by its code.
        authors: GPTs by author.
    """

    def __init__(self, gpts: int, *, seed: int = 1, words: int = WORDS) -> None:
        self._chosen = random.Random(seed)
        self._gpts = gpts
        self.vocabularies = {code: Vocabulary(code, self._chosen, words) for code in _SHARES}
        self.authors: dict[str, Row] = {}
        weights = (1 / rank for rank in range(1, max(gpts // 3, 1) + 1))
        self._author_weights = list(itertools.accumulate(weights))
        self._ids: set[str] = set()
        self._observation = 0

    def parts(self) -> Iterator[dict[str, list[Row]]]:
        """Rows by table, some thousand GPTs at a time."""
        for begin in range(0, self._gpts, _PART):
            rows: dict[str, list[Row]] = {name: [] for name in _BLANK}
            for _ in range(begin, min(begin + _PART, self._gpts)):
                self._add(rows)
            yield rows

    def _add(self, rows: dict[str, list[Row]]) -> None:
        chosen = self._chosen
        created = OPENED + int((NOW - DAY * DAYS - OPENED) * chosen.random() ** 1.5)
        gizmo_id = self._id(created)
        seen = NOW - DAYS * DAY + chosen.randrange(DAY)
        (code,) = chosen.choices(list(_SHARES), list(_SHARES.values()))
        words = self.vocabularies[code]
        author = self._author(gizmo_id, words)
        self._observation += 1
        said = {"gizmo_id": gizmo_id, "observation_id": self._observation}
        held = {**said, "valid_from": seen, "valid_to": None}
        name = self._text(words, chosen.choice((1, 2, 2, 3, 4)))
        texts = {
            "name": name,
            "description": self._text(words, chosen.randint(6, 24)),
            "voice": chosen.choice(("ember", "cove")) if chosen.random() < 0.04 else None,
            "created_at": created,
        }
        status = "gone" if chosen.random() < 0.03 else "listed"
        lists: dict[str, list[Row]] = {
            "categories": [{"category": each} for each in self._categories()],
            "tools": self._tools(),
            "tags": [{"tag": each} for each in self._tags()],
            "prompt_starters": [
                {"text": self._text(words, chosen.randint(3, 8)), "position": place}
                for place in range(chosen.choice((0, 4, 4, 4)))
            ],
        }
        counts = {f"{table}_count": len(items) for table, items in lists.items()}
        for table, items in lists.items():
            rows[table] += [
                _BLANK[table] | held | {"element": str(number)} | item
                for number, item in enumerate(items)
            ]
        moments = sorted(
            seen + chosen.randrange(DAYS * DAY - DAY)
            for _ in range(chosen.choice((0, 0, 0, 0, 0, 0, 0, 1, 1, 2)))
        )
        blank = {"null_fields": "[]", "unstated_fields": "[]"}
        rows["gizmo_revisions"].append(_BLANK["gizmo_revisions"] | held | texts | counts | blank)
        rows["gizmo_authors"].append(_BLANK["gizmo_authors"] | held | author | blank)
        rows["statuses"].append(held | {"status": status})
        rows["gizmos"].append(
            _BLANK["gizmos"]
            | said
            | texts
            | {
                "updated_at": created + chosen.randrange(NOW - created),
                "name_key": sort_key(name),
                "user_id": author["user_id"],
                "status": status,
                "first_seen_at": seen,
                "last_seen_at": NOW,
                "last_asked_at": NOW,
                "last_changed_at": moments[-1] if moments else None,
                "stale_copies": 0,
            }
        )
        rows["vanity_metrics"].append(
            _BLANK["vanity_metrics"] | said | {"observed_at": seen} | self._numbers()
        )
        rows["observations"].append(
            _BLANK["observations"] | said | {"observed_at": seen, "recorded_at": seen + HOUR}
        )
        self._changes(rows, said, seen, moments, words)

    def _changes(
        self,
        rows: dict[str, list[Row]],
        said: Row,
        seen: Micros,
        moments: Sequence[Micros],
        words: Vocabulary,
    ) -> None:
        """Its arrival, a change at each of the moments, and often one by the platform."""
        change = _BLANK["changes"] | said
        rows["changes"].append(
            change
            | {"observed_at": seen, "field": "status", "cls": "lifecycle", "kind": "added"}
            | {"new": '"listed"'}
        )
        for at in moments:
            old, new = (_json(self._text(words, 8)) for _ in range(2))
            rows["changes"].append(
                change
                | {"observed_at": at, "not_before": at - DAY, "field": "gizmo.display.description"}
                | {"cls": "content", "kind": "changed", "old": old, "new": new}
            )
        if self._chosen.random() < 0.3:
            at = seen + 5 * DAY
            rows["changes"].append(
                change
                | {"observed_at": at, "not_before": at - DAY, "field": "product_features"}
                | {"cls": "platform", "kind": "changed", "old": '"one"', "new": '"other"'}
            )

    def _id(self, created: Micros) -> str:
        chosen = self._chosen
        while True:
            if created < HEXADECIMAL:
                made = "g-" + "".join(chosen.choices(_LETTERS, k=9))
            else:
                made = f"g-{created // SECOND:08x}{chosen.getrandbits(96):024x}"
            if made not in self._ids:
                self._ids.add(made)
                return made

    def _author(self, gizmo_id: str, words: Vocabulary) -> Row:
        chosen = self._chosen
        (number,) = chosen.choices(
            range(len(self._author_weights)), cum_weights=self._author_weights
        )
        user_id = f"user-{number:024d}"
        found = self.authors.get(user_id)
        if found is None:
            name = self._text(words, 2)
            found = {"user_id": user_id, "display_name": name}
            self.authors[user_id] = found | {"gpt_count": 0, "gizmo_id": gizmo_id}
        self.authors[user_id]["gpt_count"] += 1
        return {"user_id": user_id, "display_name": self.authors[user_id]["display_name"]}

    def _text(self, words: Vocabulary, number: int) -> str:
        drawn = words.draw(number)
        drawn[0] = drawn[0].capitalize()
        return words.joint.join(drawn)

    def _categories(self) -> list[str]:
        chosen = self._chosen
        number = 2 if chosen.random() < 0.1 else 1
        return sorted(set(chosen.choices(CATEGORIES, (8, 7, 6, 5, 5, 4, 3, 12), k=number)))

    def _tools(self) -> list[Row]:
        chosen = self._chosen
        found: list[Row] = [
            {"type": each, "element_count": 1}
            for each, share in (("browser", 0.8), ("dalle", 0.7), ("python", 0.4))
            if chosen.random() < share
        ]
        if chosen.random() < 0.06:
            domain = f"{self.vocabularies['en'].draw(1)[0]}.example"
            found.append({"type": "plugins_prototype", "domain": domain, "element_count": 1})
        return found

    def _tags(self) -> list[str]:
        chosen = self._chosen
        rare = (("reportable", 0.3), ("uses_function_calls", 0.06), ("first_party", 0.001))
        return ["public", *(tag for tag, share in rare if chosen.random() < share)]

    def _numbers(self) -> Row:
        """What is told of conversations and reviews: of every second GPT nothing."""
        chosen = self._chosen
        if chosen.random() < 0.5:
            return {"num_conversations_str": ""}
        number = int(chosen.paretovariate(0.6)) - 1
        is_exact = number < 100
        if not is_exact:
            # A source tells the first digit or two, and a plus.
            number -= number % 10 ** (len(str(number)) - 1)
        reviews = int(number * chosen.random() * 0.02)
        return {
            "num_conversations_str": str(number) if is_exact else f"{number}+",
            "conversations_at_least": number,
            "conversations_exact": is_exact,
            "review_count": reviews,
            "review_total": int(reviews * chosen.uniform(3, 5)),
        }


_LETTERS = string.digits + string.ascii_letters


def _blank(table: Any, **values: Any) -> Row:
    return {column.key: None for column in table.columns} | values


def _json(text: str) -> str:
    return msgspec.json.encode(text).decode()


_BLANK: dict[str, Row] = {
    "gizmos": _blank(t.gizmos),
    "gizmo_revisions": _blank(t.gizmo_revisions),
    "gizmo_authors": _blank(t.gizmo_authors),
    "statuses": _blank(t.statuses),
    "vanity_metrics": _blank(t.vanity_metrics),
    "observations": _blank(
        t.observations,
        source_id=1,
        payload_id=_ARCHIVED,
        wrapping="gizmo",
        verdict="",
        run_id="",
    ),
    "changes": _blank(t.changes, source_id=1, element="", flap=False, disagreement=False),
    **{
        name: _blank(t.CHILDREN[name])
        for name in ("categories", "tools", "tags", "prompt_starters")
    },
}
_ORDER = ("observations", *(name for name in _BLANK if name != "observations"))


def load(url: str, crowd: Crowd) -> None:
    """Make a catalog of a crowd.

    Args:
        url: an empty place.
        crowd: its GPTs.
    """
    init(url, NOW)
    engine = open_engine(url)
    try:
        fill(engine, crowd)
    finally:
        engine.dispose()
    analyze(url)


def fill(engine: Engine, crowd: Crowd) -> None:
    """Put a crowd into an empty catalog."""
    with write(engine) as conn:
        add_source(conn, "crowd", "recorded", NOW)
        conn.execute(
            insert(t.payloads),
            {"payload_id": _ARCHIVED, "digest": b"crowd", "size": 0, "encoding": 0}
            | {"redacted": False, "data": b""},
        )
    for rows in crowd.parts():
        with write(engine) as conn:
            _write(conn, rows)
    with write(engine) as conn:
        insert_rows(conn, t.authors, list(_authors(crowd)))
        count_facets(conn, conn.execute(select(t.facet_sets.c.facet_id)).scalars().all())
        tidy_index(conn)


def _write(conn: Connection, rows: dict[str, list[Row]]) -> None:
    own_derivation(conn)
    for name in _ORDER:
        insert_rows(conn, t.metadata.tables[name], rows[name])
    refresh(conn, [row["gizmo_id"] for row in rows["gizmos"]])


def _authors(crowd: Crowd) -> Iterator[Row]:
    for row in crowd.authors.values():
        yield (
            _blank(t.authors)
            | row
            | {
                "name_key": sort_key(row["display_name"]),
                "first_seen_at": NOW - DAYS * DAY,
                "observation_id": 1,
            }
        )


def analyze(url: str) -> None:
    """Have the engine look at what is in its tables, so that it plans by it."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(sqlite_path(url), isolation_level=None)) as connection:
            connection.execute("ANALYZE")
    else:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
