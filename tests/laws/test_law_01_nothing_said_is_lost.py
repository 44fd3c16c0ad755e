from __future__ import annotations

import hashlib
import json
import random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from catalog.derive import Derivation
from catalog.importing.importer import Importer
from catalog.intake import take
from catalog.records import Reading, Verdict
from catalog.secrets import Redactor
from catalog.storage import engine as engines
from catalog.storage import tables as t
from catalog.storage.archive import get_payloads, payload_ids
from catalog.storage.codec import decompress
from catalog.storage.observe import observe
from catalog.times import FixedClock
from tests.databases import NOW
from tests.laws.asking import Asking, Said
from tests.laws.worlds import GPTS, SOURCES, START, document, keep, scratch, state_document

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

RULES = Derivation()

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@st.composite
def payloads(draw: st.DrawFn) -> bytes:
    """A document as some program may have written it: nobody would write these bytes again."""
    made: dict[str, Any] = document(GPTS[0], name=draw(st.text(max_size=5)))
    made["gizmo"] |= draw(st.dictionaries(st.sampled_from(("tags", "new", "voice")), JSON))
    text = json.dumps(
        made,
        ensure_ascii=draw(st.booleans()),
        indent=draw(st.sampled_from((None, 0, 3, "\t"))),
        separators=draw(st.sampled_from(((",", ":"), (" , ", " :")))),
    )
    return (
        text.encode("utf-8", "surrogatepass")
        if draw(st.booleans())
        else text.encode("utf-8", "replace")
    )


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(sent=st.lists(payloads(), min_size=1, max_size=4))
def test_every_payload_is_archived_byte_for_byte(engine: Engine, sent: list[bytes]) -> None:
    with scratch(engine) as conn:
        kept = []
        for place, payload in enumerate(sent):
            taken = take(
                Reading(
                    verdict=Verdict.DOCUMENT,
                    gizmo_id=GPTS[0],
                    payload=payload,
                    wrapping="gizmo",
                    said_at=START + place,
                ),
                source=SOURCES[0],
                run_id="",
                received_at=NOW,
                said_at=(),
                redactor=Redactor(()),
                normalize=RULES.document,
            )
            # What cannot be decoded is archived as a failure: see below.
            if taken.observation is None:
                assert taken.failure is not None
                assert taken.failure.body == payload
                continue
            observe(conn, RULES, [taken.observation])
            kept.append(payload)
        digests = [hashlib.sha256(payload).digest() for payload in kept]
        numbers = payload_ids(conn, digests)
        found = get_payloads(conn, numbers.values())
        assert [found[numbers[digest]] for digest in digests] == kept


UNDECODABLE = (
    b'{"gizmo": {"id": "g-Law000001", "disp',
    b"<html>busy</html>",
    b'{"tools": []}',
    b"\xff\xfe not text",
    b"7",
)


@pytest.mark.parametrize("line", UNDECODABLE)
def test_an_imported_line_that_is_no_document_is_archived_and_reported(
    engine: Engine, tmp_path: Path, line: bytes
) -> None:
    path = tmp_path / "said.jsonl"
    good = json.dumps({"observed_at": "2024-03-01T00:00:00Z", "gpt": document()}).encode()
    path.write_bytes(good + b"\n" + line + b"\n")
    imported = Importer(
        engine,
        "alpha",
        "recorded",
        deriver=RULES,
        redactor=Redactor(()),
        clock=FixedClock(NOW),
        rng=random.Random(1),
    ).run([path])
    assert imported.documents == 1
    assert [skipped.place for skipped in imported.set_aside] == [f"{path}:2"]
    assert all(skipped.reason for skipped in imported.set_aside)
    with engines.read(engine) as conn:
        bodies = [
            decompress(body) for body in conn.execute(select(t.fetch_failures.c.body)).scalars()
        ]
    assert bodies == [line]


@pytest.mark.parametrize("body", UNDECODABLE)
def test_an_answer_that_is_no_document_is_archived_and_reported(
    engine: Engine, body: bytes
) -> None:
    totals = Asking(engine).run(Said(GPTS[0], body))
    assert (totals.failed, totals.documents) == (1, 0)
    with engines.read(engine) as conn:
        rows = list(conn.execute(select(t.fetch_failures)))
        assert [decompress(row.body) for row in rows] == [body]
        assert [row.asked_id for row in rows] == [GPTS[0]]
        assert rows[0].detail


def test_a_field_that_no_table_knows_is_kept_counted_and_listed(engine: Engine) -> None:
    said = [
        state_document(document(novelty=1), at=START),
        state_document(document(novelty="x"), at=START + 1),
        state_document(document(GPTS[1], novelty=1), at=START + 2),
        state_document(document(GPTS[1]), at=START + 3),
    ]
    with scratch(engine) as conn:
        keep(conn, said[2:], said[:2], said[:1])
        (row,) = conn.execute(select(t.unmapped_fields))
        found = row._mapping  # noqa: SLF001  # a row is a tuple: its count is a method
        assert (found["path"], found["count"], found["example"]) == ("gizmo.novelty", 3, "1")
        assert (row.first_seen_at, row.last_seen_at) == (START, START + 2)
        kept = get_payloads(conn, payload_ids(conn, [said[0].digest]).values())
        assert list(kept.values()) == [said[0].payload]
