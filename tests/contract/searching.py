"""Made-up GPTs in many scripts, and the definition of a search put to work as it stands."""

from __future__ import annotations

import random
import string
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from catalog.search.conditions import Matching, order_key
from catalog.storage import tables as t
from catalog.storage.listings import load_listings
from catalog.times import DAY, from_iso, to_iso
from tests.contract.telling import day, said, tell

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection, Engine

    from catalog.search.filters import Filter, Sort
    from catalog.search.listing import Listing

WAYS = [(500, 500), (0, 500), (0, 0)]
"""``FEW`` and ``SOME`` of :mod:`catalog.query.wanted`: GPTs are looked up, held, or neither."""
WORDS: dict[str, tuple[str, ...]] = {
    "en": ("writing", "Writer", "image", "Images", "generator", "AI", "PDF", "chat", "a", "C++"),
    "fr": ("Café", "résumé", "écriture", "naïf", "l'art", "œuvre", "image"),
    "ru": ("помощник", "перевод", "Письмо", "ёлка", "Елка", "переводчик"),
    "ar": ("مساعد", "كِتَابَة", "كتابة", "ترجمة", "الترجمة"),
    "zh": ("写作", "助手", "翻译", "图像生成", "生成图像", "学习", "作写", "小说家"),
    "ja": ("翻訳", "アシスタント", "ライター", "画像", "かな", "がな", "ﾗｲﾀｰ"),
    "ko": ("번역", "도우미", "글쓰기", "번역가"),
    "th": ("ผู้ช่วย", "เขียน", "แปลภาษา", "ภาษา"),
}
CATEGORIES = ("writing", "dalle", "research", "other", "翻译", "lifestyle")
TOOLS = ("browser", "dalle", "python", "plugins_prototype")
TAGS = ("public", "reportable", "uses_function_calls", "first_party")
VOICES = ("ember", "cove", None, None)
DOMAINS = ("api.writing.example", "перевод.example")
CONVERSATIONS = (None, "", "0", "1", "3", "96", "100+", "1K+", "1K+", "25K+", "1M+")
AUTHORS = ("Ann Writer", "Борис", "王小明", "ann writer", "Société", None)
JOINTS = (" ", " ", " ", " - ", ": ", "", "_", " 🎨 ", "/", ", ")


class Maker:
    """Makes GPTs up, the same ones from the same seed.

    Args:
        seed: of all choices.
    """

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self._ids: set[str] = set()

    def text(self, least: int, most: int) -> str:
        """Some words, mostly of one language."""
        chosen = self.random
        home = chosen.choice(sorted(WORDS))
        words = [
            chosen.choice(WORDS[home if chosen.random() < 0.8 else chosen.choice(sorted(WORDS))])
            for _ in range(chosen.randint(least, most))
        ]
        parts = [each for word in words for each in (word, chosen.choice(JOINTS))]
        return "".join(parts[:-1])

    def gizmo_id(self) -> str:
        """A new id; many share their beginnings."""
        letters = string.digits + string.ascii_letters
        while True:
            begin = self.random.choice(("Same", "Sama", "", "z"))
            rest = "".join(self.random.choices(letters, k=9 - len(begin)))
            if (made := f"g-{begin}{rest}") not in self._ids:
                self._ids.add(made)
                return made

    def document(self, gizmo_id: str | None = None, **display: Any) -> dict[str, Any]:
        """A document of a GPT.

        Args:
            gizmo_id: which; None: a new one.
            display: members of its display that are given.
        """
        chosen = self.random
        number = chosen.randrange(40)
        reviews = chosen.choice((None, 0, 1, 7, 300))
        return {
            "gizmo": {
                "id": gizmo_id or self.gizmo_id(),
                "author": {
                    "user_id": chosen.choice((f"user-{number}", f"user-{number}", None)),
                    # Some documents do not show the name that others show of the author.
                    "display_name": chosen.choice((AUTHORS[number % len(AUTHORS)],) * 3 + (None,)),
                },
                "voice": {"id": chosen.choice(VOICES)},
                "created_at": self._moment(),
                "updated_at": self._moment(),
                "display": {
                    "name": chosen.choice((self.text(1, 3), self.text(1, 3), self.text(1, 1), None))
                    if chosen.random() < 0.2
                    else self.text(1, 3),
                    "description": chosen.choice((self.text(2, 8), self.text(0, 3), None)),
                    "prompt_starters": [self.text(1, 4) for _ in range(chosen.randint(0, 3))],
                    "categories": self._some(CATEGORIES, 2),
                }
                | display,
                "tags": self._some(TAGS, 3),
                "vanity_metrics": {
                    "num_conversations_str": chosen.choice(CONVERSATIONS),
                    "review_stats": None
                    if reviews is None
                    else {"count": reviews, "total": sum(self._stars(reviews))},
                },
            },
            "tools": [{"id": f"gzm_{each}", "type": each} for each in self._some(TOOLS, 3)]
            + [
                {
                    "id": "gzm_action",
                    "type": "plugins_prototype",
                    "metadata": {"domain": domain, "json_schema": {}},
                }
                for domain in self._some(DOMAINS, 1)
                if chosen.random() < 0.3
            ],
            "files": [],
        }

    def _some(self, values: Sequence[str], most: int) -> list[str]:
        return self.random.sample(values, self.random.randint(0, most))

    def _stars(self, reviews: int) -> list[int]:
        return [self.random.randint(1, 5) for _ in range(reviews)]

    def _moment(self) -> str | None:
        if self.random.random() < 0.1:
            return None
        return to_iso(from_iso("2023-11-10") + self.random.randrange(800) * DAY)


def fill(engine: Engine, seed: int, number: int) -> None:
    """Put GPTs into a catalog: some change later, some go missing.

    Args:
        engine: an empty catalog.
        seed: of all choices.
        number: how many.
    """
    maker = Maker(seed)
    documents = [maker.document() for _ in range(number)]
    tell(engine, *(said(day(1 + n % 5), each) for n, each in enumerate(documents)))
    again = [
        said(day(10), maker.document(each["gizmo"]["id"]))
        for each in maker.random.sample(documents, number // 5)
    ]
    gone = [
        said(day(12), None, gizmo_id=each["gizmo"]["id"])
        for each in maker.random.sample(documents, number // 20)
    ]
    tell(engine, *again, *gone)


def listings_of(conn: Connection) -> list[Listing]:
    """Everything there is, to be looked at."""
    gizmo_ids = conn.execute(select(t.gizmos.c.gizmo_id)).scalars().all()
    return list(load_listings(conn, gizmo_ids).values())


def expected(listings: Iterable[Listing], wanted: Filter, sort: Sort) -> list[str]:
    """The ids of all that is wanted in their order, by the definition."""
    matching = Matching(wanted)
    tiers = ((each, matching.tier(each)) for each in listings)
    keys = [order_key(sort, each, tier) for each, tier in tiers if tier is not None]
    return [key[-1] for key in sorted(keys)]


def ids(found: Iterable[Any]) -> list[str]:
    """The ids of what was found."""
    return [each.gizmo_id for each in found]
