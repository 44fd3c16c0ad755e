"""From a payload to a document: where the gizmo object lies, and the walk along the registry.

The shape of a document is compiled once, from :mod:`catalog.fields`.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from functools import lru_cache
from typing import Any, Final

from catalog.errors import NormalizeError
from catalog.fields import EMPTY_ONLY, FIELDS, LISTS, OPEN_ENDED, PICTURE, STAT_FIELDS
from catalog.normalize.children import BUILDERS, MimeSet
from catalog.normalize.decode import MAX_DEPTH, decode, nests_within
from catalog.normalize.picture import read_picture
from catalog.normalize.shape import (
    MAX_KEY,
    Empty,
    Json,
    Listed,
    Member,
    Scalar,
    Shape,
    Tally,
    build_shape,
    extend,
)
from catalog.normalize.values import (
    READERS,
    UNREADABLE,
    Unreadable,
    conversations,
    read_integer,
    read_real,
    read_text,
)
from catalog.records import Document, Row, Unmapped
from catalog.references import is_gizmo_id

FLAT: Final = "flat"
"""The wrapping of mj-flat, which has no gizmo object."""

ENVELOPE: Final[dict[str, str]] = {
    **dict.fromkeys(("sn", "code", "msg", "message"), "of the answer, not of the GPT"),
    "@timestamp": "when a cache read the document: the observation's time",
    "observed_at": "the observation's time",
    **dict.fromkeys(
        (
            *("id", "uuid", "org_id", "name", "description", "avatar_url", "short_url", "rating"),
            *("author_id", "author_name", "visit_url"),
            *("created_at", "updated_at", "gpt_updated_at"),
        ),
        "a catalog's own row around the document it keeps",
    ),
    "flair": "how the asker's own side bar shows it",
}
"""Members beside or above the gizmo object that are no part of the document, with the reason."""

_IDENTITY = "gizmo_id"
_RATINGS = "gizmo.vanity_metrics.review_stats.by_rating"
_STARS = 5
_MIME_SETS = ("accepted_mime_types", "image_mime_types")
_ELEMENT = "[]."
_FLAT_DISPLAY = ("name", "description", "welcome_message")
_FLAT_GIZMO = ("id", "model", "created_at")


def normalize(payload: bytes, wrapping: str) -> Document:
    """What ``payload`` states.

    Args:
        payload: the exact bytes of the JSON value that holds the document (rule 1).
        wrapping: the dotted path from there to the gizmo object; empty for a bare gizmo object,
            ``flat`` for mj-flat.

    Raises:
        NormalizeError: it is no JSON, holds no gizmo object there, or one without a GPT's id, or
            nests too deeply.
    """
    tally = Tally()
    envelope = _Envelope(wrapping, tally)
    document = envelope.open(decode(payload))
    gizmo = document["gizmo"]
    gizmo_id = gizmo.get("id") if type(gizmo) is dict else None
    if type(gizmo_id) is not str or not is_gizmo_id(gizmo_id):
        raise NormalizeError(f"the payload holds no gizmo object with a GPT's id at {wrapping!r}")
    scalars = Row()
    _DOCUMENT.fill(document, scalars, tally, 0)
    del scalars[_IDENTITY]
    picture = read_picture(scalars)
    if picture is not UNREADABLE:
        scalars["picture"] = picture
    if "num_conversations_str" in scalars:
        scalars["conversations_at_least"], scalars["conversations_exact"] = conversations(
            scalars["num_conversations_str"]
        )
    return Document(
        gizmo_id=gizmo_id,
        updated_at=scalars.get("updated_at"),
        leaves=tally.leaves,
        scalars=scalars,
        lists=tally.lists,
        mime_sets=tally.mime_sets,
        stat={column: value for column, value in envelope.stat.items() if value is not None},
        unmapped=tuple(Unmapped(*pair) for pair in sorted(tally.unmapped.items())),
        paths=_sorted(frozenset(tally.paths)),
    )


class Ratings(Member):
    """Reviews by stars: an object from star to number, or the list of the five numbers."""

    __slots__ = ()

    def take(self, value: Any, row: Row, tally: Tally, depth: int) -> None:
        """Write a column a star; an empty list or object states nothing."""
        if type(value) is dict:
            _STARRED.fill(value, row, tally, depth)
        elif type(value) is list and len(value) in {0, _STARS}:
            stars = {str(star): item for star, item in enumerate(value, start=1)}
            # The list's members are no paths of the document.
            inner = Tally()
            _STARRED.fill(stars, row, inner, depth)
            tally.leaves += inner.leaves
            for path in inner.unmapped:
                tally.paths.add(path)
                tally.keep(path, value, depth)
        elif value is not None:
            tally.unreadable(self.path, value, depth)


class _Envelope:
    """What lies around the gizmo object.

    Args:
        wrapping: the dotted path to it.
        tally: takes what nobody knows.

    Attributes:
        stat: the gateway's own counters by column.
    """

    def __init__(self, wrapping: str, tally: Tally) -> None:
        self.stat = Row()
        self._wrapping = wrapping
        self._tally = tally

    def open(self, root: Any) -> dict[str, Any]:
        """The document in ``root``: ``{gizmo, tools, files, product_features}``.

        Raises:
            NormalizeError: the wrapping does not fit.
        """
        if self._wrapping == FLAT:
            return _of_flat(root)
        if not self._wrapping:
            return {"gizmo": root}
        *outer, last = self._wrapping.split(".")
        for name in outer:
            root = self._step(root, name, ())
        gizmo = self._step(root, last, _DOCUMENT.members)
        beside = {name: root[name] for name in _DOCUMENT.members if name in root and name != last}
        return {"gizmo": gizmo} | beside

    def _step(self, level: Any, name: str, document: Container[str]) -> Any:
        """The member ``name`` of ``level``; its other members are sorted out.

        Args:
            level: an object around the gizmo.
            name: the next step of the wrapping.
            document: members that are the document's own.
        """
        if type(level) is not dict or name not in level:
            raise NormalizeError(f"the payload holds no gizmo object at {self._wrapping!r}")
        for key, value in level.items():
            if key == name or key in document:
                continue
            if key == "stat":
                self._count(value)
            elif key not in ENVELOPE:
                self._tally.unknown(extend("", key), value, 1)
            elif not nests_within(value, MAX_DEPTH):
                raise NormalizeError("the payload nests too deeply to be a GPT's document")
        return level[name]

    def _count(self, stat: Any) -> None:
        self._tally.paths.add("stat")
        if type(stat) is dict:
            _STAT.fill(stat, self.stat, self._tally, 1)
        elif stat is not None:
            self._tally.unreadable("stat", stat, 1)


def _of_flat(flat: Any) -> dict[str, Any]:
    """The document that an mj-flat object stands for; it says nothing of anything else."""
    if type(flat) is not dict:
        raise NormalizeError("the payload is no flat description of a GPT")
    flat = dict(flat)
    gizmo = {name: flat.pop(name) for name in _FLAT_GIZMO if name in flat}
    model = gizmo.get("model")
    if type(model) is str and model.endswith(f"-gizmo-{gizmo.get('id')}"):
        # The gateway's own name for asking this GPT, not the model that the GPT is fixed to.
        del gizmo["model"]
    display = {name: flat.pop(name) for name in _FLAT_DISPLAY if name in flat}
    if display:
        gizmo["display"] = display
    document: dict[str, Any] = {"gizmo": gizmo}
    tools = flat.pop("tools", UNREADABLE)
    if tools is not UNREADABLE:
        document["tools"] = (
            [{"type": tool} if type(tool) is str else tool for tool in tools]
            if type(tools) is list
            else tools
        )
    # A flat member with a document's name is not the document's.
    return document | {
        f"{FLAT}.{name}" if name in _DOCUMENT.members else name: value
        for name, value in flat.items()
    }


# Nearly all documents of a source have one of a few sets of paths.
@lru_cache(maxsize=1024)
def _sorted(paths: frozenset[str]) -> tuple[str, ...]:
    return tuple(sorted(paths))


def _read_user_id(value: Any) -> str | Unreadable:
    """A user id is a key: 29 characters, or 67 with a workspace. No other text is longer."""
    text = read_text(value)
    return text if isinstance(text, str) and len(text) <= MAX_KEY else UNREADABLE


def _members() -> Iterator[Member]:
    """Every member of a document that has a place."""
    yield Scalar("gizmo.id", _IDENTITY, read_text)
    yield Ratings(_RATINGS)
    for path in EMPTY_ONLY:
        if _ELEMENT not in path:
            yield Empty(path)
    for listed in LISTS:
        yield Listed(listed.path, listed.table, BUILDERS[listed.table])
    for field in FIELDS:
        if field.path == PICTURE or field.path.startswith(_RATINGS):
            continue
        if field.column in _MIME_SETS:
            yield MimeSet(field.path, field.column)
        elif field.type == "json":
            yield Json(field.path, field.column, drifts=field.path not in OPEN_ENDED)
        elif field.column == "user_id":
            yield Scalar(field.path, field.column, _read_user_id)
        else:
            yield Scalar(field.path, field.column, READERS[field.type])


_DOCUMENT: Final[Shape] = build_shape("", _members())
_STARRED: Final[Shape] = build_shape(
    _RATINGS,
    (Scalar(f"{_RATINGS}.{star}", f"rating_{star}", read_real) for star in range(1, _STARS + 1)),
)
_STAT: Final[Shape] = build_shape(
    "stat", (Scalar(path, column, read_integer) for path, column in STAT_FIELDS.items())
)
