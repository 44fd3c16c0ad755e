"""Documents that nobody would send: changed where it hurts, or made up from the registry's names.

Structure-aware: most changes keep the JSON whole, so that they reach what lies behind the decoder;
a part of them then spoils the bytes. All of it follows from the random numbers handed in.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from catalog.fields import EMPTY_ONLY, FIELDS, LISTS, STAT_FIELDS

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterable, Sequence

IDS = ("g-Fuzz00001", "g-Fuzz00002", "g-" + "0f" * 16, "g-p-" + "0f" * 16, "g-short", "", "g-" * 9)
TEXTS = (
    *IDS,
    "",
    " ",
    "\x00",
    "a\x00b",
    "\ud800",
    "\udfff\ud800",
    "\ufdd0",
    "\ufdd0x0000",
    "\ufeff",
    "\u202e\u2066",
    "\x1b]0;x\x07\x1b[2J",
    "<script>alert(1)</script>",
    "&amp;amp;&#0;&#xd800;&#x110000;&lt;",
    "=cmd|' /C calc'!A0",
    "'; DROP TABLE gizmos; --",
    "../../../../etc/passwd",
    "C:\\nul",
    "%00%2e%2e",
    "null",
    "[]",
    "{}",
    '["a"]',
    "```json\n{}\n```",
    "ﷺ" * 50,
    "e\u0301" * 40,
    "İıſß",
    "x" * 5000,
    "\n" * 300,
    "96",
    "25K+",
    "999999999999999999999M+",
    "-1K+",
    "2024-02-30T00:00:00Z",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59.999999-23:59",
    "2024-04-12T07:34:37.1234567890Z",
    "1969-12-31T23:59:59Z",
    "now",
    "https://files.oaiusercontent.com/file-AbCdEfGhIjKlMnOpQrStUvWx?se=1",
    "javascript:alert(1)",
    "//x",
    "openapi: 3.1.0\n&a [*a]",
    "&a [" + "*a," * 9 + "]",
    "!!python/object/apply:os.system ['true']",
    "{" * 200,
    "[" * 2000,
)
NUMBERS = (
    0,
    -0.0,
    1,
    -1,
    5,
    2**31,
    2**53 + 1,
    2**63 - 1,
    2**63,
    -(2**63),
    -(2**63) - 1,
    2**64,
    10**30,
    10**400,
    1e308,
    5e-324,
    0.1,
    float("nan"),
    float("inf"),
    float("-inf"),
    1704803550,
    1704803550.370385,
    1704803550370,
)
NAMES = tuple(
    sorted(
        {
            name
            for path in (
                *(field.path for field in FIELDS),
                *(listed.path for listed in LISTS),
                *EMPTY_ONLY,
                *STAT_FIELDS,
                "info.resource.detail.data.code.msg.message.error.gpt.observed_at.@timestamp",
                "cuts.list.hits.items.gizmos.rows.choices.model.object.title.link.uuid.gid",
            )
            for name in path.replace("[]", "").split(".")
        }
        | {"", "\x00", "\ud800", "a.b", "[]", "novel", "x" * 300, "__proto__"}
    )
)
_TOKENS = (
    b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"\\u0000", b"\\ud800", b"null", b"NaN",
    b"1e999", b"-", b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\x00", b"\xef\xbb\xbf", b"\n",
    b'"gizmo":', b'"id":"g-Fuzz00001",', b"//", b"\x1f\x8b",
)  # fmt: skip
_DEEPEST = 300
_LONGEST_WALK = 12


def made(rng: random.Random, depth: int = 4) -> Any:
    """A JSON value made up: names that the registry knows, values that no column wants."""
    roll = rng.random()
    if depth and roll < 0.3:
        return {rng.choice(NAMES): made(rng, depth - 1) for _ in range(rng.randrange(7))}
    if depth and roll < 0.5:
        return [made(rng, depth - 1) for _ in range(rng.randrange(5))]
    if roll < 0.75:
        return rng.choice(TEXTS)
    if roll < 0.9:
        return rng.choice(NUMBERS)
    return rng.choice((None, True, False, [], {}))


def mutant(rng: random.Random, seeds: Sequence[Any], written: Sequence[bytes]) -> bytes:
    """The bytes of one document, answer or file that was changed or made up.

    Args:
        rng: all follows from it.
        seeds: what is changed.
        written: the same as JSON: reading them makes copies faster than copying does.
    """
    roll = rng.random()
    if roll < 0.08:
        value = made(rng)
        if roll < 0.05:
            value = {"gizmo": {"id": rng.choice(IDS[:3]), "made": value, rng.choice(NAMES): value}}
    else:
        value = json.loads(rng.choice(written))
        for _ in range(1 + int(rng.expovariate(0.7))):
            value = _changed(rng, value, seeds)
    if rng.random() < 0.12:
        value = _wrapped(rng, value)
    raw = _written(rng, value)
    for _ in range(rng.randrange(1, 4) if rng.random() < 0.2 else 0):
        raw = _spoiled(rng, raw)
    return raw


def _written(rng: random.Random, value: Any) -> bytes:
    """As JSON, in one of the ways in which it is written; lone surrogates need escapes."""
    if rng.random() < 0.5:
        try:
            return json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            pass
    roll = rng.random()
    # Indenting is slow in the standard library.
    text = json.dumps(value, indent=1 if roll < 0.03 else None)
    if roll > 0.98:
        return text.encode(rng.choice(("utf-8-sig", "utf-16", "utf-32-be")))
    return text.encode()


def _copy(value: Any) -> Any:
    """A copy that can be changed, however deep it is; the seeds cannot."""
    whole = [value]
    left: list[tuple[Any, Any]] = [(whole, 0)]
    while left:
        container, key = left.pop()
        inner = container[key]
        if isinstance(inner, dict | list):
            container[key] = inner = inner.copy()
            left += [(inner, each) for each in _keys(inner)]
    return whole[0]


def _keys(container: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return list(container) if isinstance(container, dict) else range(len(container))


def _place(rng: random.Random, value: Any) -> tuple[Any, Any] | None:
    """A container within ``value`` and a key of it, found by a walk downwards."""
    found = None
    for _ in range(_LONGEST_WALK):
        if not isinstance(value, dict | list) or not value:
            break
        key = rng.choice(list(value)) if isinstance(value, dict) else rng.randrange(len(value))
        found = (value, key)
        if rng.random() < 0.12:
            break
        value = value[key]
    return found


def _changed(rng: random.Random, value: Any, seeds: Sequence[Any]) -> Any:
    """``value`` with one thing changed."""
    place = _place(rng, value)
    if place is None:
        return made(rng)
    container, key = place
    rng.choice(_CHANGES)(rng, container, key, seeds)
    return value


def _replace(rng: random.Random, container: Any, key: Any, _: Sequence[Any]) -> None:
    container[key] = made(rng, 2)


def _delete(_: random.Random, container: Any, key: Any, __: Sequence[Any]) -> None:
    del container[key]


def _nullify(rng: random.Random, container: Any, key: Any, _: Sequence[Any]) -> None:
    container[key] = rng.choice((None, "", [], {}, 0, False))


def _insert(rng: random.Random, container: Any, key: Any, _: Sequence[Any]) -> None:
    if isinstance(container, dict):
        container[rng.choice(NAMES)] = made(rng, 2)
    else:
        container.insert(key, made(rng, 2))


def _rename(rng: random.Random, container: Any, key: Any, _: Sequence[Any]) -> None:
    if isinstance(container, dict):
        container[rng.choice(NAMES)] = container.pop(key)
    else:
        rng.shuffle(container)


def _repeat(rng: random.Random, container: Any, key: Any, _: Sequence[Any]) -> None:
    if isinstance(container, list):
        container.extend(_copy(container[key]) for _ in range(rng.choice((1, 2, 50))))
    else:
        container[rng.choice(NAMES)] = _copy(container[key])


def _splice(rng: random.Random, container: Any, key: Any, seeds: Sequence[Any]) -> None:
    place = _place(rng, rng.choice(seeds))
    if place is not None:
        container[key] = _copy(place[0][place[1]])


def _deepen(rng: random.Random, container: Any, key: Any, _: Sequence[Any]) -> None:
    value = container[key]
    name = rng.choice(NAMES)
    for _turn in range(rng.choice((1, 2, 99, 100, 101, _DEEPEST))):
        value = {name: value} if rng.random() < 0.5 else [value]
    container[key] = value


def _twist(rng: random.Random, container: Any, key: Any, _: Sequence[Any]) -> None:
    """A value of the same kind that differs a little."""
    value = container[key]
    if isinstance(value, str):
        at = rng.randrange(len(value) + 1)
        container[key] = value[:at] + rng.choice(TEXTS) + value[at + rng.randrange(3) :]
    elif isinstance(value, int | float):
        container[key] = rng.choice((-value, value + 1, value - 1, str(value), *NUMBERS))
    else:
        container[key] = json.dumps(value)


_CHANGES: tuple[Callable[[random.Random, Any, Any, Sequence[Any]], None], ...] = (
    _replace, _replace, _delete, _nullify, _insert, _rename, _repeat, _splice, _twist, _twist,
    _deepen,
)  # fmt: skip


def _wrapped(rng: random.Random, value: Any) -> Any:
    """``value`` where an answer or a file holds documents, or nearly there."""
    name = rng.choice(NAMES)
    return rng.choice(
        (
            [value],
            [value, made(rng, 1), value],
            {"data": value},
            {"code": rng.choice((0, 404, "0", None)), "msg": "ok", "data": value},
            {"info": value, "stat": made(rng, 2)},
            {"observed_at": rng.choice(TEXTS), "gpt": value},
            {"@timestamp": rng.choice(TEXTS), "data": {"info": value}, "code": 0},
            {"list": [value], "items": value},
            {name: value},
            {"model": "get-gpts", "object": "chat.completion", "choices": [
                {"message": {"role": "assistant", "content": f"```json\n{json.dumps(value)}\n```"}}
            ]},
        )
    )  # fmt: skip


def _spoiled(rng: random.Random, raw: bytes) -> bytes:
    """Bytes with one thing wrong."""
    start = rng.randrange(len(raw) + 1)
    end = min(len(raw), start + rng.choice((1, 1, 4, 40, 4000)))
    what = rng.randrange(6)
    if what == 0:
        return raw[:start]
    if what == 1:
        return raw[:start] + raw[end:]
    if what == 2:
        return raw[:end] + raw[start:]
    if what == 3 and start < len(raw):
        return raw[:start] + bytes([raw[start] ^ 1 << rng.randrange(8)]) + raw[start + 1 :]
    if what == 4:
        return raw[:start] + rng.randbytes(end - start) + raw[end:]
    return raw[:start] + rng.choice(_TOKENS) + raw[start:]
