"""Anything a person types to name a GPT → its ``gizmo_id``.

The forms and their traps are facts of ``sources.md`` section 5, measured on real ids and links:

- ids: ``g-`` and 9 letters or digits, or ``g-`` and 32 hexadecimal digits; the length decides, not
  the alphabet. ``g-p-…`` is a project and ``g-`` with 40 hexadecimal digits an action of a tool.
- short_urls: an id, a dash and a slug. A slug may itself hold what looks like an id
  (``…-g-assistant``), so an id counts only at the start, after ``/g/`` or after ``-gizmo-``.
- addresses of chatgpt.com and chat.openai.com, and model names ``[model]-gizmo-[id]``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

import msgspec

from catalog.errors import InvalidReference

HOSTS = frozenset(
    {"chatgpt.com", "www.chatgpt.com", "chat.openai.com", "www.chat.openai.com"},
)
"""The hosts whose addresses name GPTs."""

_ID = re.compile(r"g-(?:[0-9a-f]{32}|[A-Za-z0-9]{9})")
_PROJECT = re.compile(r"g-p-[0-9a-f]{32}")
_HEAD = re.compile(r"g-(?P<body>[A-Za-z0-9]*)(?P<tail>.*)", re.DOTALL)
_SLUG = re.compile(r"-[\w-]*")
_MODEL = re.compile(r"(?P<model>[A-Za-z0-9][^\s?#]*?)-gizmo-(?P<rest>.*)", re.DOTALL)
_HEX = re.compile(r"[0-9a-f]+")
_INNER_ID = re.compile(r"(?<![A-Za-z0-9])g-(?:[0-9a-f]{32}|[A-Za-z0-9]{9})(?![A-Za-z0-9])")
_COMMENT = re.compile(r"(?:^|\s)#.*", re.DOTALL)
_OPENING = "\ufeff\u200b<(\"'`["
_CLOSING = "\ufeff\u200b>)\"'`].,;:!?\u3002\uff0c\uff1b"
_SHOWN = 200

_CLASSIC_LENGTH = 9
_NEW_LENGTH = 32
_ACTION_LENGTH = 40


class RefusedLine(NamedTuple):
    """A line of a list that names no GPT.

    Attributes:
        line: its number, from 1.
        text: what stands there.
        reason: why it names none.
    """

    line: int
    text: str
    reason: str


class ReferenceList(msgspec.Struct, frozen=True, kw_only=True):
    """What a list of references names.

    Attributes:
        ids: every id once, in the order of its first appearance.
        duplicates: how many lines named an id that an earlier line had named.
        refused: the lines that name none.
    """

    ids: tuple[str, ...]
    duplicates: int
    refused: tuple[RefusedLine, ...]


def is_gizmo_id(text: str) -> bool:
    """Whether ``text`` is a GPT's id, whole and nothing else."""
    return _ID.fullmatch(text) is not None


def is_project_id(text: str) -> bool:
    """Whether ``text`` is a project's id: shaped alike, but no GPT."""
    return _PROJECT.fullmatch(text) is not None


def parse_reference(text: str) -> str:
    """The ``gizmo_id`` that ``text`` names.

    Args:
        text: an id, a short_url, an address, or a model name; blanks and punctuation around it
            do not matter.

    Raises:
        InvalidReference: it names none; the reason says why.
    """
    if not isinstance(text, str):
        raise InvalidReference(repr(text)[:_SHOWN], "a text is expected, as an id or an address")
    shown = text.strip()[:_SHOWN]
    bare = text.strip().lstrip(_OPENING).rstrip(_CLOSING).strip()
    if not bare:
        raise InvalidReference(shown, "it is empty")
    if bare.startswith("g-"):
        return _from_short_url(bare, shown)
    if _is_address(bare):
        return _from_address(bare, shown)
    named = _MODEL.fullmatch(bare)
    if named:
        return _from_short_url(named["rest"], shown)
    raise InvalidReference(shown, _why_not(bare))


def read_references(lines: Iterable[str]) -> ReferenceList:
    """The references in ``lines``, one a line; ``#`` begins a comment, blank lines are nothing.

    Duplicates collapse onto their first line. A byte order mark, any line ending and a comma after
    the reference are tolerated.
    """
    ids: dict[str, None] = {}
    named = 0
    refused = []
    for number, line in enumerate(lines, start=1):
        text = _COMMENT.sub("", line.lstrip("\ufeff")).strip()
        if not text:
            continue
        try:
            gizmo_id = parse_reference(text)
        except InvalidReference as error:
            refused.append(RefusedLine(number, error.text, error.reason))
            continue
        named += 1
        ids[gizmo_id] = None
    return ReferenceList(ids=tuple(ids), duplicates=named - len(ids), refused=tuple(refused))


def _from_short_url(text: str, shown: str) -> str:
    """The id at the start of a short_url."""
    head = _HEAD.fullmatch(text)
    if head is None:
        raise InvalidReference(shown, f"no id of a GPT stands where one should: {text[:40]!r}")
    body, tail = head["body"], head["tail"]
    if body == "p" and tail.startswith("-"):
        raise InvalidReference(shown, "g-p- begins the id of a project, not of a GPT")
    if len(body) == _ACTION_LENGTH and _HEX.fullmatch(body):
        raise InvalidReference(shown, "40 hexadecimal digits name an action of a tool, not a GPT")
    if len(body) == _NEW_LENGTH and not _HEX.fullmatch(body):
        raise InvalidReference(shown, "an id of 32 characters has digits and a to f only")
    if len(body) not in {_CLASSIC_LENGTH, _NEW_LENGTH}:
        raise InvalidReference(
            shown,
            f"an id has 9 characters or 32 hexadecimal digits after 'g-', this one {len(body)}",
        )
    # A tail of a path or a query, without the host: the id before it is what was meant.
    slug = re.split(r"[/?#]", tail)[0].rstrip()
    if slug and not _SLUG.fullmatch(slug):
        raise InvalidReference(shown, f"what follows the id is no slug: {slug[:40]!r}")
    return f"g-{body}"


def _is_address(text: str) -> bool:
    """Whether ``text`` is meant as an address: a scheme, a host with a path, or a path."""
    if "://" in text or text.startswith(("/", "g/")):
        return True
    first, slash, _rest = text.partition("/")
    return bool(slash) and "." in first and "-gizmo-" not in first


def _from_address(text: str, shown: str) -> str:
    """The id after ``/g/`` in an address of ChatGPT."""
    if text.startswith(("/", "g/")) and not text.startswith("//"):
        path = text
    else:
        try:
            parts = urlsplit(text if "://" in text else f"https://{text.lstrip('/')}")
            host = parts.hostname or ""
        except ValueError as error:
            raise InvalidReference(shown, f"it is no valid address: {error}") from None
        if parts.scheme.lower() not in {"http", "https"}:
            raise InvalidReference(shown, f"its scheme is {parts.scheme!r}, not https")
        if host.lower() not in HOSTS:
            raise InvalidReference(
                shown,
                f"its host is {host!r}; GPTs live at chatgpt.com and chat.openai.com",
            )
        path = parts.path
    segments = re.split(r"[?#]", path)[0].split("/")
    after = segments.index("g") + 1 if "g" in segments else len(segments)
    if after >= len(segments) or not segments[after]:
        raise InvalidReference(shown, "its path has no id after /g/")
    # The other segments (a conversation, "project") say nothing about which GPT it is.
    return _from_short_url(unquote(segments[after]).strip(), shown)


def _why_not(text: str) -> str:
    """Why a text that has none of the forms names no GPT."""
    if text.endswith("-gizmo"):
        return "a model name needs the id after '-gizmo-'"
    if _INNER_ID.search(text):
        return "an id counts only at the start, after /g/ or after -gizmo-: a slug may imitate one"
    if any(character.isspace() for character in text):
        return "it is several words; one reference a line"
    return "it begins neither with 'g-' nor like an address or a model name"
