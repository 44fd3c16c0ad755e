"""Finds configured secrets in what others wrote, and replaces them (law 10).

A source may echo the key it was sent: in an error text, in a document, or encoded. Nothing here
reads settings or the environment: the secrets are handed in.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

import msgspec

from catalog.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Bytes = bytes
"""The type, where a method has its name."""

MIN_LENGTH = 6
"""Anything shorter occurs in ordinary text, which would then be destroyed."""

MARKER = "[redacted]"
_SPARE_MARKER = "[***]"  # too short to hold a secret
_ROUNDS = 3  # a marker may complete another secret with its neighbours; then look again

_NESTED_BACKSLASH = re.compile(rb"\\+")
_NESTED_PERCENT = re.compile(rb"%(?:25)+")
_NOTHING = b"(?!)"
_VALUE = re.compile(rb'"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*', re.DOTALL)


class Redactor:
    """Replaces secrets: plain, JSON-escaped, percent-encoded, base64, and mixtures of these.

    Does not know partly masked keys (``sk-abc***xyz``), nor base64 broken into lines.

    Args:
        secrets: the configured secrets.

    Raises:
        SettingsError: one of them is too short to be told from ordinary text.
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        if any(len(secret) < MIN_LENGTH for secret in secrets):
            raise SettingsError(
                f"a secret of fewer than {MIN_LENGTH} characters cannot be told from ordinary text:"
                " ask its issuer for a longer one"
            )
        spellings = sorted(
            {form for secret in secrets for form in _spellings(secret)}, key=len, reverse=True
        )
        self._plain = tuple(form.encode("utf-8", "surrogatepass") for form in spellings)
        self._pattern = re.compile(b"|".join(map(_pattern, spellings)) or _NOTHING)
        self._escapes = _relevant_escapes("".join(spellings))
        marked = any(secret in MARKER for secret in secrets)
        self._marker = (_SPARE_MARKER if marked else MARKER).encode()

    def bytes(self, data: Bytes) -> tuple[Bytes, bool]:
        """``data`` without the secrets, and whether there were any.

        JSON stays JSON: where a replacement would break it, the whole string, number or document
        that held the secret is replaced.
        """
        if not self._occurs(data):
            return data, False
        was_json = _is_json(data)
        replaced = self._replace(data)
        if self._found(replaced) or (was_json and not _is_json(replaced)):
            replaced = _VALUE.sub(self._without, data)
        if self._found(replaced) or (was_json and not _is_json(replaced)):
            replaced = b'"' + self._marker + b'"'
        return replaced, replaced != data

    def text(self, text: str) -> str:
        """``text`` without the secrets."""
        data, redacted = self.bytes(text.encode("utf-8", "surrogatepass"))
        return data.decode("utf-8", "surrogatepass") if redacted else text

    def _occurs(self, data: Bytes) -> bool:
        """Whether a secret may stand in ``data``: quick, since nearly always none does."""
        if any(form in data for form in self._plain):
            return True
        if self._escapes is None:
            return self._found(data)
        view = _NESTED_BACKSLASH.sub(rb"\\", data) if rb"\\" in data else data
        view = _NESTED_PERCENT.sub(b"%", view) if b"%25" in view else view
        for escapes in self._escapes:
            view = escapes.sub(_unescape, view)
        return any(form in view for form in self._plain)

    def _found(self, data: Bytes) -> bool:
        return self._pattern.search(data) is not None

    def _replace(self, data: Bytes) -> Bytes:
        for _ in range(_ROUNDS):
            data, count = self._pattern.subn(lambda _: self._marker, data)
            if not count:
                break
        return data

    def _without(self, value: re.Match[Bytes]) -> Bytes:
        """A JSON string or number, replaced where it holds a secret."""
        found = value[0]
        if not self._found(found):
            return found
        return b'"' + self._marker + b'"' if found.startswith(b'"') else b"null"


def _spellings(secret: str) -> Iterator[str]:
    """The secret itself, and what base64 makes of it wherever it stands in what is encoded."""
    yield secret
    raw = secret.encode("utf-8", "surrogatepass")
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + raw).decode().rstrip("=")
        first = -(-before * 8 // 6)  # only characters that the secret's bits alone decide
        last = (before + len(raw)) * 8 // 6
        yield encoded[first:last]
        yield encoded[first:last].replace("+", "-").replace("/", "_")


def _pattern(form: str) -> bytes:
    """Matches ``form`` with any of its characters escaped, however many times over."""
    return b"".join(_any_escape(character) for character in form)


def _any_escape(character: str) -> bytes:
    raw = character.encode("utf-8", "surrogatepass")
    units = character.encode("utf-16-be", "surrogatepass")
    json = b"".join(
        rb"\\+u" + _hex(units[at]) + _hex(units[at + 1]) for at in range(0, len(units), 2)
    )
    percent = b"".join(b"%(?:25)*" + _hex(byte) for byte in raw)
    plain = re.escape(raw)
    if character == "\\":
        plain = rb"\\+"
    elif character in '"/':
        plain = rb"\\*" + plain
    return b"(?:" + plain + b"|" + json + b"|" + percent + b")"


def _hex(byte: int) -> bytes:
    """Matches two hexadecimal digits in either case."""
    return "".join(
        f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in f"{byte:02x}"
    ).encode()


def _relevant_escapes(characters: str) -> tuple[re.Pattern[bytes], ...] | None:
    """Patterns of the escaped forms of ``characters`` alone: others, as Chinese text, are many.

    Each begins with a literal, which the engine looks for fifteen times as fast as for one of two.

    Returns:
        None where the characters themselves take part in escaping, or are beyond ASCII: then only
        the whole pattern tells.
    """
    if not characters.isascii() or set(characters) & {"%", "\\"}:
        return None
    rows: dict[str, str] = {}
    for character in sorted(set(characters)):
        code = f"{ord(character):02x}"
        row, column = code[0], code[1]
        rows[row] = rows.get(row, "") + column + (column.upper() if column.isalpha() else "")
    codes = "|".join(f"{row}[{columns}]" for row, columns in rows.items())
    patterns = [rf"\\u00({codes})", f"%({codes})"] if codes else []
    patterns += [rf"\\({sign})" for sign in '"/' if sign in characters]
    return tuple(re.compile(pattern.encode()) for pattern in patterns)


def _unescape(escape: re.Match[bytes]) -> bytes:
    code = escape[1]
    return code if len(code) == 1 else bytes((int(code, 16),))


def _is_json(data: bytes) -> bool:
    try:
        msgspec.json.decode(data, type=msgspec.Raw)
    except msgspec.DecodeError:
        return False
    return True
