from __future__ import annotations

import hashlib
import random
from typing import TYPE_CHECKING

import msgspec
import pytest
from sqlalchemy import delete, func, insert, select, text, update

from catalog.errors import CatalogBusy, CatalogCorrupt
from catalog.storage.archive import (
    NewPayload,
    get_payloads,
    payload_ids,
    put_payloads,
    remove_payloads,
)
from catalog.storage.codec import Encoding
from catalog.storage.engine import open_engine, read, write
from catalog.storage.sources import add_source
from catalog.storage.tables import NOT_FOUND_PAYLOAD, observations, payloads
from tests.databases import NOW

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Engine

GPT = "g-000000001"
OTHER = "g-000000002"


def document(gizmo_id: str, version: int, *, text_of: int = 0) -> bytes:
    """A made-up document: its text follows from ``text_of``, and ``version`` moves little."""
    rng = random.Random(f"{gizmo_id} {text_of}")
    words = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=7)) for _ in range(300)]
    mime = [f"application/x-{i}" for i in range(20)]
    random.Random(version).shuffle(mime)
    return msgspec.json.encode(
        {"gizmo": {"id": gizmo_id, "text": " ".join(words), "pins": version, "mime": mime}}
    )


def new(gizmo_id: str, payload: bytes) -> NewPayload:
    return NewPayload(
        digest=hashlib.sha256(payload).digest(), payload=payload, redacted=False, gizmo_id=gizmo_id
    )


def put(conn: Connection, gizmo_id: str, payload: bytes, at: int) -> int:
    """Archive a payload and say that it was observed, as the write path does."""
    item = new(gizmo_id, payload)
    number = put_payloads(conn, [item])[item.digest]
    source_id = add_source(conn, "s", "recorded", NOW)
    conn.execute(
        insert(observations),
        {
            "gizmo_id": gizmo_id,
            "source_id": source_id,
            "observed_at": at,
            "payload_id": number,
            "wrapping": "gizmo",
            "verdict": "",
            "recorded_at": NOW,
            "run_id": "",
        },
    )
    return number


def encodings(conn: Connection, ids: Sequence[int]) -> list[tuple[int, int | None]]:
    p = payloads.c
    rows = conn.execute(select(p.payload_id, p.encoding, p.base_id).where(p.payload_id.in_(ids)))
    found = {row.payload_id: (row.encoding, row.base_id) for row in rows}
    return [found[number] for number in ids]


def test_payloads_come_back_byte_for_byte(engine: Engine) -> None:
    kept = [
        document(GPT, 1),
        b"",
        b"\x00\xff not even text",
        b'{"spaces" : 1.0, "a":1,"a":2, "\\ud800": "\\u0000"}\n',
        bytes(random.Random(1).randbytes(50_000)),
    ]
    with write(engine) as conn:
        ids = put_payloads(conn, [new(GPT, payload) for payload in kept])
    with read(engine) as conn:
        found = get_payloads(conn, ids.values())

    assert [found[ids[hashlib.sha256(p).digest()]] for p in kept] == kept


def test_payload_met_again_is_kept_once(engine: Engine) -> None:
    item, other = new(GPT, document(GPT, 1)), new(GPT, document(GPT, 2))
    with write(engine) as conn:
        first = put_payloads(conn, [item, item])
        again = put_payloads(conn, [item, other])
        count = conn.execute(select(func.count()).select_from(payloads)).scalar_one()

    assert again[item.digest] == first[item.digest]
    assert count == 3  # with the one of "no such GPT"


def test_later_payload_of_a_gpt_is_a_delta_on_the_one_that_stands_alone(engine: Engine) -> None:
    with write(engine) as conn:
        ids = [put(conn, GPT, document(GPT, version), NOW + version) for version in range(6)]
        other = put(conn, OTHER, document(OTHER, 1), NOW)

        assert encodings(conn, ids) == [
            (Encoding.DICTIONARY_1, None),
            *[(Encoding.DELTA, ids[0])] * 5,
        ]
        assert encodings(conn, [other]) == [(Encoding.DICTIONARY_1, None)]


def test_payloads_of_one_batch_build_on_each_other(engine: Engine) -> None:
    kept = [document(GPT, version) for version in range(50)]
    with write(engine) as conn:
        ids = put_payloads(conn, [new(GPT, payload) for payload in kept])
        numbers = [ids[hashlib.sha256(payload).digest()] for payload in kept]
        found = get_payloads(conn, numbers)

        assert [e for e, _ in encodings(conn, numbers)].count(Encoding.DELTA) == 49
        assert [found[number] for number in numbers] == kept


def test_delta_that_does_not_pay_stands_alone_and_is_built_on(engine: Engine) -> None:
    with write(engine) as conn:
        ids = [
            put(conn, GPT, document(GPT, 1, text_of=1), NOW + 1),
            put(conn, GPT, document(GPT, 2, text_of=2), NOW + 2),
            put(conn, GPT, document(GPT, 3, text_of=2), NOW + 3),
        ]

        assert encodings(conn, ids) == [
            (Encoding.DICTIONARY_1, None),
            (Encoding.DICTIONARY_1, None),
            (Encoding.DELTA, ids[1]),
        ]


@pytest.mark.parametrize(("signed", "encoding"), [(200, "DELTA"), (420, "DICTIONARY_1")])
def test_small_delta_pays_on_a_small_base(engine: Engine, signed: int, encoding: str) -> None:
    rng = random.Random(3)
    stays = rng.randbytes(250 - signed // 2).hex()
    kept = [f'{{"stays":"{stays}","sig":"{rng.randbytes(signed // 2).hex()}"}}' for _ in range(2)]
    with write(engine) as conn:
        ids = [put(conn, GPT, each.encode(), NOW + n) for n, each in enumerate(kept)]

        assert encodings(conn, ids)[1][0] == Encoding[encoding]


def test_delta_is_many_times_smaller(engine: Engine) -> None:
    with write(engine) as conn:
        ids = [put(conn, GPT, document(GPT, version), NOW + version) for version in range(10)]
        rows = conn.execute(
            select(func.length(payloads.c.data)).where(payloads.c.payload_id.in_(ids[1:]))
        ).scalars()

    assert max(rows) < len(document(GPT, 1)) / 10


def test_removing_a_base_encodes_its_dependents_anew(engine: Engine) -> None:
    kept = [document(GPT, version) for version in range(5)]
    with write(engine) as conn:
        ids = put_payloads(conn, [new(GPT, payload) for payload in kept])
        numbers = [ids[hashlib.sha256(payload).digest()] for payload in kept]

        assert remove_payloads(conn, numbers[:1]) == 4
        assert get_payloads(conn, numbers[1:]) == dict(zip(numbers[1:], kept[1:], strict=True))
        assert encodings(conn, numbers[1:]) == [
            (Encoding.DICTIONARY_1, None),
            *[(Encoding.DELTA, numbers[1])] * 3,
        ]
        with pytest.raises(CatalogCorrupt, match=f"payload {numbers[0]} is not in the archive"):
            get_payloads(conn, numbers[:1])


def test_what_has_nothing_in_common_stands_alone_when_its_base_goes(engine: Engine) -> None:
    """Two halves of one text each build on the whole, and neither on the other."""
    whole = msgspec.json.decode(document(GPT, 1))
    words = whole["gizmo"]["text"].split()
    halves = [" ".join(words[:150]), " ".join(words[150:])]
    kept = [
        msgspec.json.encode({"gizmo": whole["gizmo"] | {"text": text}})
        for text in (" ".join(words), *halves)
    ]
    with write(engine) as conn:
        numbers = [put(conn, GPT, payload, NOW + at) for at, payload in enumerate(kept)]
        assert [base for _, base in encodings(conn, numbers)] == [None, numbers[0], numbers[0]]
        conn.execute(delete(observations).where(observations.c.payload_id == numbers[0]))
        assert remove_payloads(conn, numbers[:1]) == 2
        assert encodings(conn, numbers[1:]) == [(Encoding.DICTIONARY_1, None)] * 2
        assert get_payloads(conn, numbers[1:]) == dict(zip(numbers[1:], kept[1:], strict=True))


def test_removing_a_base_with_its_dependents_needs_no_encoding(engine: Engine) -> None:
    kept = [document(GPT, version) for version in range(5)]
    with write(engine) as conn:
        ids = put_payloads(conn, [new(GPT, payload) for payload in kept])

        assert remove_payloads(conn, ids.values()) == 0
        left = conn.execute(select(payloads.c.payload_id)).scalars().all()

    assert left == [NOT_FOUND_PAYLOAD]


def test_removing_the_payload_of_not_found_is_refused(engine: Engine) -> None:
    with write(engine) as conn, pytest.raises(ValueError, match="no such GPT"):
        remove_payloads(conn, [NOT_FOUND_PAYLOAD])


def test_removed_text_is_in_no_payload(engine: Engine) -> None:
    """What builds on a removed payload must not carry its text on."""
    kept = [document(GPT, version) for version in range(3)]
    with write(engine) as conn:
        ids = put_payloads(conn, [new(GPT, payload) for payload in kept])
        numbers = sorted(ids.values())
        remove_payloads(conn, numbers[:1])
        bases = conn.execute(select(payloads.c.base_id)).scalars()

        assert numbers[0] not in set(bases)


@pytest.mark.parametrize("victim", [0, 3])
def test_damaged_payload_is_named(engine: Engine, victim: int) -> None:
    kept = [document(GPT, version) for version in range(5)]
    with write(engine) as conn:
        ids = put_payloads(conn, [new(GPT, payload) for payload in kept])
        numbers = [ids[hashlib.sha256(payload).digest()] for payload in kept]
        broken = numbers[victim]
        data = conn.execute(
            select(payloads.c.data).where(payloads.c.payload_id == broken)
        ).scalar_one()
        conn.execute(
            update(payloads)
            .where(payloads.c.payload_id == broken)
            .values(data=data[:-1] + bytes([data[-1] ^ 0xFF]))
        )
        with pytest.raises(CatalogCorrupt, match=f"payload {broken} is damaged"):
            get_payloads(conn, numbers)


@pytest.mark.parametrize(
    "change",
    [
        "encoding = 0",
        "encoding = 77",
        "size = size + 1",
        "digest = data",
    ],
)
def test_payload_whose_row_was_changed_is_damaged(engine: Engine, change: str) -> None:
    with write(engine) as conn:
        number = put(conn, GPT, document(GPT, 1), NOW)
        # The change is one of those written out above this test.
        conn.execute(text(f"UPDATE payloads SET {change} WHERE payload_id = :id"), {"id": number})  # noqa: S608

        with pytest.raises(CatalogCorrupt, match=f"payload {number} is damaged"):
            get_payloads(conn, [number])


def test_missing_base_is_named(engine: Engine, catalog_url: str) -> None:
    kept = [document(GPT, version) for version in range(2)]
    with write(engine) as conn:
        ids = put_payloads(conn, [new(GPT, payload) for payload in kept])
    base, delta = (ids[hashlib.sha256(payload).digest()] for payload in kept)
    if catalog_url.startswith("sqlite"):
        with engine.connect() as conn:
            raw = conn.connection.driver_connection
            assert raw is not None
            raw.execute("PRAGMA query_only = OFF")
            raw.execute("PRAGMA foreign_keys = OFF")
            raw.execute("DELETE FROM payloads WHERE payload_id = ?", (base,))
        engine.dispose()
    else:
        with write(engine) as conn:
            conn.execute(text("ALTER TABLE payloads DROP CONSTRAINT fk_payloads_base_id_payloads"))
            conn.execute(text("DELETE FROM payloads WHERE payload_id = :id"), {"id": base})

    with (
        read(engine) as conn,
        pytest.raises(CatalogCorrupt, match=f"payload {base} .* payload {delta} builds on it"),
    ):
        get_payloads(conn, [delta])


def test_payload_that_builds_on_itself_is_named(engine: Engine) -> None:
    with write(engine) as conn:
        number = put(conn, GPT, document(GPT, 1), NOW)
        conn.execute(update(payloads).where(payloads.c.payload_id == number).values(base_id=number))
        with pytest.raises(CatalogCorrupt, match=f"payload {number} builds on itself"):
            get_payloads(conn, [number])


def test_payload_ids_name_what_is_there(engine: Engine) -> None:
    there, absent = new(GPT, document(GPT, 1)), new(GPT, document(GPT, 2))
    with write(engine) as conn:
        ids = put_payloads(conn, [there])

        assert payload_ids(conn, [there.digest, absent.digest]) == ids


def test_large_batches_are_taken(engine: Engine) -> None:
    items = [new(f"g-{n:09}", document(f"g-{n:09}", 1)[:200] + b"%d" % n) for n in range(1_200)]
    with write(engine) as conn:
        ids = put_payloads(conn, items)
        found = get_payloads(conn, ids.values())

    assert {found[ids[item.digest]] for item in items} == {item.payload for item in items}


def test_archive_is_busy_while_another_keeps_the_same(catalog_url: str, engine: Engine) -> None:
    other = open_engine(catalog_url)
    item = new(GPT, document(GPT, 1))

    def attempt() -> dict[bytes, int]:
        with write(engine) as conn:
            return put_payloads(conn, [item])

    with write(other) as holding:
        first = put_payloads(holding, [item])
        with pytest.raises(CatalogBusy):
            attempt()
    other.dispose()

    assert attempt() == first
