"""What each GPT looked like at any time, found on another principle and without the catalog.

Everything ever said is kept in plain dictionaries, and a question is answered by going through it
from the beginning: for each field the latest statement at or before the time asked for. Imports
nothing of the program, so that an error cannot stand in both.
"""

from __future__ import annotations

import gzip
import html
import itertools
import json
import re
from collections import Counter, defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

UNSAID = object()
"""A field of which nothing was ever said."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ENTITY = re.compile(r"&#?\w+;")
_FILE = re.compile(r"file-[A-Za-z0-9]{16,}")

Answer = dict[str, Any]


def micros(text: str) -> int:
    """Microseconds since 1970 of an ISO time."""
    moment = datetime.fromisoformat(text)
    since = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH
    return since.days * 86_400_000_000 + since.seconds * 1_000_000 + since.microseconds


def plain(value: Any) -> Any:
    """Text as a person reads it."""
    return _ENTITY.sub(lambda found: html.unescape(found[0]), value) if value else value


class Oracle:
    """Everything that was ever said, by GPT, in order.

    Args:
        path: lines of ``{"observed_at": T, "gpt": DOCUMENT}``.
    """

    def __init__(self, path: Path) -> None:
        self._said: dict[str, list[tuple[int, Answer]]] = defaultdict(list)
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                entry = json.loads(line)
                gpt = entry["gpt"]
                said = (micros(entry["observed_at"]), answers(gpt))
                self._said[gpt["gizmo"]["id"]].append(said)
        for entries in self._said.values():
            entries.sort(key=lambda entry: entry[0])

    @property
    def gpts(self) -> list[str]:
        """All GPTs."""
        return sorted(self._said)

    @property
    def times(self) -> list[int]:
        """All moments at which something was said."""
        return sorted({at for entries in self._said.values() for at, _ in entries})

    def at(self, gizmo_id: str, moment: int) -> Answer | None:
        """What a GPT was at a moment; None before its first document."""
        found: Answer | None = None
        for at, said in self._said[gizmo_id]:
            if at > moment:
                break
            found = {**(found or {}), **said}
        return found

    def pairs(self) -> Iterator[tuple[Answer, Answer]]:
        """Neighbouring documents of each GPT."""
        for entries in self._said.values():
            for (_, before), (_, after) in itertools.pairwise(entries):
                yield before, after

    def differences(self) -> tuple[int, Counter[str]]:
        """How many neighbouring pairs there are, and in how many each field differs."""
        total = 0
        counts: Counter[str] = Counter()
        for before, after in self.pairs():
            total += 1
            for field in before.keys() & after.keys():
                counts[field] += before[field] != after[field]
        return total, counts


def answers(gpt: dict[str, Any]) -> Answer:
    """What a document says of each field; what it does not send is not there."""
    gizmo = gpt["gizmo"]
    found: Answer = {}
    display = gizmo.get("display") or {}
    author = gizmo.get("author") or {}
    for place, names in (
        (display, ("name", "description", "welcome_message")),
        (author, ("user_id", "display_name", "link_to")),
        (gizmo, ("short_url", "organization_id", "share_recipient")),
    ):
        found.update({name: plain(place[name]) for name in names if name in place})
    sets = (("prompt_starters", display), ("categories", display), ("tags", gizmo))
    for name, place in sets:
        if name in place:
            found[name] = _members(place[name], lower=name == "categories")
    if "tools" in gpt:
        found["tool types"] = _types(gpt["tools"], frozenset)
    if "files" in gpt:
        found["file types"] = _types(gpt["files"], sorted)
    picture = _picture(display)
    if picture is not UNSAID:
        found["picture"] = picture
    return found


def _members(items: list[str] | None, *, lower: bool) -> frozenset[str] | None:
    if items is None:
        return None
    return frozenset(plain(item).lower() if lower else plain(item) for item in items)


def _types(items: list[dict[str, Any]] | None, collect: Callable[[Iterator[str]], Any]) -> Any:
    """Of tools the set, for one that is sent twice is one; of files each."""
    return None if items is None else collect(item["type"].lower() for item in items)


def _picture(display: dict[str, Any]) -> Any:
    """The file's id, as sent or as the URL has it."""
    if not {"profile_pic_id", "profile_picture_url"} & display.keys():
        return UNSAID
    if display.get("profile_pic_id"):
        return display["profile_pic_id"]
    url = display.get("profile_picture_url")
    if not url:
        return None
    file = _FILE.search(url)
    return file[0] if file else url.partition("?")[0].partition("//")[2].partition("/")[2]
