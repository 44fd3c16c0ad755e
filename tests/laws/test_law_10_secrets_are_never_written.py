from __future__ import annotations

import base64
import json
import logging
import random
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from sqlalchemy import select

from catalog.derive import Derivation
from catalog.importing.importer import Importer
from catalog.secrets import Redactor
from catalog.storage import engine as engines
from catalog.storage import tables as t
from catalog.storage.archive import get_payloads
from catalog.storage.codec import decompress
from catalog.times import FixedClock
from tests.databases import NOW
from tests.laws.asking import Asking, Said, given
from tests.laws.worlds import GPTS, document

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy import Engine

SECRET = 'sk-Made/Up+"Secret"=é9'

SPELLINGS: dict[str, Callable[[str], str]] = {
    "plain": lambda text: text,
    "escaped as JSON": lambda text: json.dumps(text)[1:-1],
    "escaped twice": lambda text: json.dumps(json.dumps(text))[1:-1],
    "all of it as \\u": lambda text: "".join(f"\\u{ord(each):04x}" for each in text),
    "in a URL": lambda text: quote(text, safe=""),
    "in a URL in a URL": lambda text: quote(quote(text, safe=""), safe=""),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 with words around": lambda text: base64.b64encode(f"k:{text};".encode()).decode(),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
}


def carries(text: str) -> bool:
    """Whether the secret can be read out of ``text``, however it is written there."""
    seen = {text}
    for _ in range(3):
        for each in tuple(seen):
            seen.add(each.replace("\\\\", "\\"))
            for decode in (_of_json, _of_url):
                seen.add(decode(each))
    if any(SECRET in each for each in seen):
        return True
    return any(part in each for each in seen for part in _ENCODED)


def _of_json(text: str) -> str:
    try:
        return str(json.loads(f'"{text}"'))
    except ValueError:
        pass
    escaped = text.replace('"', '\\"').replace('\\\\"', '\\"')
    try:
        return str(json.loads(f'"{escaped}"', strict=False))
    except ValueError:
        return text


def _of_url(text: str) -> str:
    from urllib.parse import unquote  # noqa: PLC0415

    return unquote(text)


_ENCODED = tuple(
    form
    for before in range(3)
    for form in (
        base64.b64encode(b"x" * before + SECRET.encode())[4:-4].decode(),
        base64.urlsafe_b64encode(b"x" * before + SECRET.encode())[4:-4].decode(),
    )
)


def written(engine: Engine) -> Iterator[tuple[str, str]]:
    """Everything a catalog holds, as text, with where it stands."""
    with engines.read(engine) as conn:
        for table in t.metadata.sorted_tables:
            for row in conn.execute(select(table)):
                for column, value in zip(table.c.keys(), row, strict=True):
                    yield f"{table.name}.{column}", _shown(value)
        numbers = [row.payload_id for row in conn.execute(select(t.payloads)) if row.payload_id]
        for payload in get_payloads(conn, numbers).values():
            yield "payload", _shown(payload)
        for body in conn.execute(select(t.fetch_failures.c.body)).scalars():
            yield "body of a failure", _shown(decompress(body))


def _shown(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def test_the_test_sees_a_secret_in_every_spelling() -> None:
    assert [name for name, spell in SPELLINGS.items() if not carries(f'x "{spell(SECRET)}"')] == []


def assert_not_written(engine: Engine, caplog: pytest.LogCaptureFixture, capfd: Any) -> None:
    found = [place for place, text in written(engine) if carries(text)]
    assert found == []
    printed = capfd.readouterr()
    assert not carries(caplog.text)
    assert not carries(printed.out)
    assert not carries(printed.err)


def _raw(template: Any, spelled: str) -> bytes:
    """The JSON of ``template`` with the spelling in it as it is."""
    return json.dumps(template, ensure_ascii=False).replace("HERE", spelled).encode()


ANSWERS = {
    "in a name": given(GPTS[0], document(name="key HERE end")).body,
    "in a field that no table knows": given(GPTS[0], document(novelty={"HERE": "HERE"})).body,
    "in an error": {"code": 401, "message": "invalid token HERE"},
    "in a not-found": {"detail": "gizmo not found for HERE"},
    "in a cut document": '{"gizmo": {"id": "g-Law000001", "name": "HERE',
}


@pytest.mark.parametrize("place", ANSWERS)
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_secret_that_an_answer_echoes_is_written_nowhere(
    engine: Engine, caplog: pytest.LogCaptureFixture, capfd: Any, place: str, spelling: str
) -> None:
    caplog.set_level(logging.DEBUG)
    spelled = SPELLINGS[spelling](SECRET)
    if spelling == "plain":
        spelled = SPELLINGS["escaped as JSON"](SECRET).replace("\\u00e9", "é")
    answer = ANSWERS[place]
    body = (
        answer.replace("HERE", spelled).encode()
        if isinstance(answer, str)
        else _raw(answer, spelled)
    )
    Asking(engine, secrets=[SECRET]).run(Said(GPTS[0], body))
    assert_not_written(engine, caplog, capfd)
    with engines.read(engine) as conn:
        for row in conn.execute(select(t.payloads).where(t.payloads.c.payload_id != 0)):
            assert row.redacted
        for row in conn.execute(select(t.fetch_failures)):
            assert row.redacted
        assert list(conn.execute(select(t.outcomes.c.asked_id)).scalars()) == [GPTS[0]]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_secret_in_an_imported_file_is_written_nowhere(
    engine: Engine,
    caplog: pytest.LogCaptureFixture,
    capfd: Any,
    tmp_path: Path,
    spelling: str,
) -> None:
    spelled = SPELLINGS[spelling](SECRET)
    path = tmp_path / "said.jsonl"
    path.write_bytes(
        b"\n".join(
            (
                _raw({"gpt": document(name="HERE")}, spelled),
                f"no JSON, but {spelled}".encode(),
                _raw({"what": "HERE"}, spelled),
                _raw([{"gizmo_id": GPTS[1], "title": "HERE"}], spelled),
            )
        )
    )
    imported = Importer(
        engine,
        "alpha",
        "recorded",
        deriver=Derivation(),
        redactor=Redactor([SECRET]),
        clock=FixedClock(NOW),
        rng=random.Random(1),
    ).run([path])
    assert_not_written(engine, caplog, capfd)
    assert not carries(repr(imported))
