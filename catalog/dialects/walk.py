"""All that a JSON value says about GPTs: documents, mentions, and what is neither, with the reason.

Only known positions are looked at (rule 1): envelopes, lists, our own lines, and the fences of a
metadata model's chat answer; never the texts inside a document.
"""

from __future__ import annotations

from typing import Any

import msgspec

from catalog.dialects.errors import clean, is_failure, messages
from catalog.dialects.fences import content_of, is_completion, is_metadata, pieces
from catalog.dialects.slices import CUT, Node, parse, whole_elements
from catalog.dialects.unwrap import is_envelope, locate
from catalog.errors import InvalidReference, NormalizeError
from catalog.records import Mention
from catalog.references import is_gizmo_id, is_project_id, parse_reference
from catalog.times import Micros, from_iso, to_datetime

_MAX_DEPTH = 8
_LISTS = ("cuts", "list", "hits", "items", "gizmos", "gpts", "rows")
_NAMES = ("title", "name")
_IDS = ("id", "gid", "uuid", "gizmo_id")
_LINKS = ("link", "short_url", "visit_url")
_PARTS = frozenset({"tools", "files", "product_features"})


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """A document and where it was found.

    Attributes:
        gizmo_id: the id it carries.
        payload: the exact bytes of the value that holds it.
        wrapping: where in the payload the gizmo object lies.
        said_at: the time that the answer itself names, if any.
    """

    gizmo_id: str
    payload: bytes
    wrapping: str
    said_at: Micros | None = None


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A value that is no document and names no GPT.

    Attributes:
        reason: why, for people.
        payload: its bytes; where several were refused alike, the first's.
        count: how many values were refused alike.
        project: whether it is a project's document: set aside, not wrong.
    """

    reason: str
    payload: bytes = b""
    count: int = 1
    project: bool = False


class Walk:
    """One walk over a value, and what it found.

    Args:
        ask_chat: whether a chat answer is known to be metadata, whatever its model says.

    Attributes:
        documents: in their order.
        mentions: in their order, ranked from 1 within their list.
        refusals: what is neither; equal ones of neighbours in a list are one.
    """

    def __init__(self, *, ask_chat: bool = False) -> None:
        self.documents: list[Holder] = []
        self.mentions: list[Mention] = []
        self.refusals: list[Refusal] = []
        self._ask_chat = ask_chat

    def visit(
        self,
        node: Node,
        said_at: Micros | None = None,
        rank: int = 1,
        depth: int = 0,
    ) -> None:
        """Add what ``node`` says.

        Args:
            node: the value.
            said_at: when that was said, by what stands around it.
            rank: its place in its list.
            depth: how many values stand around it.
        """
        if depth > _MAX_DEPTH:
            self._refuse(node, "nested too deep")
        elif isinstance(node.value, list):
            self._visit_list(node, said_at, depth)
        elif isinstance(node.value, dict):
            self._visit_object(node, said_at, rank, depth)
        else:
            self._refuse(node, "a single value, no object")

    def _visit_list(self, node: Node, said_at: Micros | None, depth: int) -> None:
        if not node.value:
            self._refuse(node, "an empty list")
        for rank, element in enumerate(node.elements(), start=1):
            self.visit(element, said_at, rank, depth + 1)

    def _visit_object(self, node: Node, said_at: Micros | None, rank: int, depth: int) -> None:
        value: dict[str, Any] = node.value
        if isinstance(value.get("gpt"), dict) and "gizmo" not in value:
            line_at = moment(value.get("observed_at"))
            self.visit(node.member("gpt"), line_at if said_at is None else said_at, rank, depth + 1)
        elif is_completion(value):
            self._visit_chat(node, said_at, depth)
        elif is_envelope(value) and isinstance(value["data"], dict | list):
            outer = moment(value.get("@timestamp"))
            self.visit(node.member("data"), outer if said_at is None else said_at, rank, depth + 1)
        elif not (self._document(node, said_at) or self._mention(node, rank)):
            self._visit_members(node, said_at, depth)

    def _visit_members(self, node: Node, said_at: Micros | None, depth: int) -> None:
        """The lists that an object holds; what holds none is refused."""
        value: dict[str, Any] = node.value
        names = [name for name in _LISTS if isinstance(value.get(name), dict | list)]
        if not names and value and all(is_gizmo_id(name) for name in value):
            names = list(value)
        for name in names:
            self.visit(node.member(name), said_at, 1, depth + 1)
        if not names:
            self._refuse(node, what_it_is(value))

    def _visit_chat(self, node: Node, said_at: Micros | None, depth: int) -> None:
        """The values in the fences of a chat answer."""
        if not (self._ask_chat or is_metadata(node.value)):
            self._refuse(node, "a chat answer in a GPT's own words, no metadata")
            return
        content = content_of(node.value)
        found = pieces(content)
        if not found:
            self._refuse(node, f"a chat answer without JSON: {content}")
        for piece in found:
            if not piece.whole:
                # The elements before the cut were paid for, and are whole.
                rescued = whole_elements(piece.raw) if piece.raw.startswith(b"[") else []
                for rank, raw in enumerate(rescued, start=1):
                    self._visit_bytes(raw, said_at, rank, depth + 1)
                self._refuse(node, CUT)
            elif not self._visit_bytes(piece.raw, said_at, 1, depth + 1):
                break

    def _visit_bytes(self, raw: bytes, said_at: Micros | None, rank: int, depth: int) -> bool:
        """What the JSON in a fence says; False if it is none."""
        try:
            node = parse(raw)
        except NormalizeError as error:
            self._refuse(Node(raw, None), str(error))
            return False
        self.visit(node, said_at, rank, depth)
        return True

    def _document(self, node: Node, said_at: Micros | None) -> bool:
        """Take ``node`` as a document, if it is one."""
        located = locate(node.value)
        if located is None:
            return False
        gizmo_id = located.gizmo.get("id")
        named = gizmo_id if isinstance(gizmo_id, str) else ""
        if is_project_id(named) or located.gizmo.get("gizmo_type") == "snorlax":
            self._refuse(node, f"a project, not a GPT: {named or 'its id is blank'}", project=True)
        elif not named:
            self._refuse(node, "a document without an id")
        elif not is_gizmo_id(named):
            self._refuse(node, f"a document whose id is no GPT's: {named[:80]!r}")
        else:
            own = moment(node.value.get("@timestamp"))
            self.documents.append(
                Holder(
                    gizmo_id=named,
                    payload=node.raw,
                    wrapping=located.wrapping,
                    said_at=own if said_at is None else said_at,
                )
            )
        return True

    def _mention(self, node: Node, rank: int) -> bool:
        """Take ``node`` as an item that names a GPT, if it is one."""
        value: dict[str, Any] = node.value
        texts = {
            name: text
            for name in (*_IDS, *_NAMES, *_LINKS)
            if isinstance(text := value.get(name), str) and text
        }
        names = [texts[name] for name in _NAMES if name in texts]
        candidates = [texts[name] for name in (*_IDS, *_LINKS) if name in texts]
        if not candidates or not (names or texts.keys() & _LINKS) or _is_part(value):
            return False
        refused: InvalidReference | None = None
        for candidate in candidates:
            try:
                gizmo_id = parse_reference(candidate)
            except InvalidReference as error:
                refused = refused or error
                continue
            title = names[0] if names else ""
            self.mentions.append(
                Mention(gizmo_id=gizmo_id, title=title, rank=rank, payload=node.raw)
            )
            return True
        self._refuse(node, f"an item: {refused}")
        return True

    def _refuse(self, node: Node, reason: str, *, project: bool = False) -> None:
        """Note that ``node`` is nothing of use; neighbours that are refused alike are one."""
        refusal = Refusal(reason=clean(reason), payload=node.raw, project=project)
        last = self.refusals[-1] if self.refusals else None
        if last is not None and (last.reason, last.project) == (refusal.reason, project):
            self.refusals[-1] = msgspec.structs.replace(last, count=last.count + 1)
        else:
            self.refusals.append(refusal)


def moment(value: Any) -> Micros | None:
    """The moment that a value in an answer names, if it names one that can be written again."""
    if not isinstance(value, str):
        return None
    try:
        at = from_iso(value)
        # The zone may carry it out of the years 1 to 9999.
        to_datetime(at)
    except (ValueError, OverflowError):
        return None
    return at


def what_it_is(value: dict[str, Any]) -> str:
    """What an object is that is no document, for people."""
    kinds = (
        (is_failure(value), f"an error body: {next(iter(messages(value)), 'without a message')}"),
        ("model" in value and "messages" in value, "a request, not an answer"),
        (value.get("object") == "token_usage", "what is left of a key's quota"),
        (value.keys() <= _PARTS, f"{' and '.join(sorted(value))} without their GPT"),
        (_is_part(value), "a tool or a file without its GPT"),
        ("gizmo" in value, "an answer whose gizmo is no object"),
        (is_envelope(value), "an envelope without data"),
    )
    unknown = f"an object of no known form, with {', '.join(list(value)[:6])}"
    return next((text for holds, text in kinds if holds), unknown) if value else "an empty object"


def _is_part(value: dict[str, Any]) -> bool:
    """Whether an object is an element of ``tools`` or ``files``."""
    part_id = value.get("id")
    return "file_id" in value or (isinstance(part_id, str) and part_id.startswith("gzm_"))
