"""Every row of the tables of endpoints that holds documents, live and recorded."""

from __future__ import annotations

import json
from typing import Any

import pytest

from catalog.dialects import MISSING_FROM_BATCH, get_dialect
from catalog.dialects.recorded import read_value
from catalog.dialects.slices import CUT
from catalog.records import Reading, Verdict
from catalog.times import from_iso
from tests.unit.dialects.builders import (
    ASKED,
    ONE,
    PROJECT,
    THREE,
    TWO,
    answer,
    completion,
    cut_out,
    document,
    envelope,
    fence,
    flat,
    gizmo,
    item,
    source,
    spaced,
)

STAT = {"read": 0, "favorite": 1, "use": 2}
SAID = "2024-02-13T09:19:19.123Z"


def stated(data: dict[str, Any]) -> dict[str, Any]:
    """What gptgod and OpenAI Next put into ``data``."""
    return {"stat": STAT, "info": data, "@timestamp": SAID}


# row, dialect, body, the part that is the payload, wrapping
DETAILS: list[tuple[str, str, Any, Any, str]] = [
    ("G1", "gpts-v1", envelope(document()), document(), "gizmo"),
    ("G1'", "gpts-v1", envelope(stated(document())), stated(document()), "info.gizmo"),
    ("G2", "gpts-v2", envelope(document()), document(), "gizmo"),
    ("G2'", "gpts-v2", envelope(stated(document())), stated(document()), "info.gizmo"),
    ("G2''", "gpts-v2", document(), document(), "gizmo"),
    ("G6", "mj-flat", flat(), flat(), "flat"),
    ("G6 in an envelope", "mj-flat", envelope(flat()), flat(), "flat"),
    ("B1", "gpts-v2", document(), document(), "gizmo"),
    (
        "B2",
        "gpts-v2",
        document() | {"about_blocks": [], "review_stats": {}},
        document() | {"about_blocks": [], "review_stats": {}},
        "gizmo",
    ),
    (
        "B9",
        "gpts-v2",
        {"kind": "chat_page", "gizmo": document()},
        {"kind": "chat_page", "gizmo": document()},
        "gizmo.gizmo",
    ),
    ("bare gizmo", "gpts-v2", envelope(gizmo()), gizmo(), ""),
    (
        "a member of the gizmo's named gizmo",
        "gpts-v2",
        document(gizmo={"id": TWO}),
        document(gizmo={"id": TWO}),
        "gizmo",
    ),
    (
        "a member of the document's named gpt",
        "gpts-v2",
        document() | {"gpt": document(TWO)},
        document() | {"gpt": document(TWO)},
        "gizmo",
    ),
    ("data alone", "gpts-v2", {"data": document()}, document(), "gizmo"),
    ("a list of one", "gpts-v1", envelope([document()]), document(), "gizmo"),
    ("code in words", "gpts-v2", envelope(document(), code="success"), document(), "gizmo"),
    ("code 1", "gpts-v2", envelope(document(), code=1), document(), "gizmo"),
]


@pytest.mark.parametrize("dialect", ASKED)
@pytest.mark.parametrize(
    ("body", "payload", "wrapping"), [row[2:] for row in DETAILS], ids=[row[0] for row in DETAILS]
)
def test_document_is_unwrapped_by_content_not_by_path(
    dialect: str, body: Any, payload: Any, wrapping: str
) -> None:
    raw = b"\xef\xbb\xbf" + spaced(body)
    (reading,) = get_dialect(source(dialect)).read(answer(raw), [ONE])
    assert reading == Reading(
        asked=ONE,
        verdict=Verdict.DOCUMENT,
        gizmo_id=ONE,
        payload=cut_out(body, payload),
        wrapping=wrapping,
        said_at=from_iso(SAID) if "@timestamp" in payload else None,
        status=200,
    )


def test_chat_answer_of_a_gateway_that_is_asked_by_get_is_a_gpts_own_words() -> None:
    said = answer(completion(fence(document()), "gpt-4o"))
    (reading,) = get_dialect(source("gpts-v2")).read(said, [ONE])
    assert reading.verdict is Verdict.MALFORMED
    assert "own words" in reading.detail


def test_document_that_is_the_body_is_archived_as_it_came() -> None:
    raw = b"\n " + spaced(document()) + b"\r\n"
    (reading,) = get_dialect(source()).read(answer(raw), [ONE])
    assert reading.payload == raw


@pytest.mark.parametrize(
    "odd", [rb'"\ud800"', b"NaN", b"9" * 5000, b"-1e999", b'"\x02"', rb'"\u0000"']
)
def test_document_with_an_odd_value_is_cut_out_exactly(odd: bytes) -> None:
    data = b'{ "gizmo" : {"id":"%s" , "odd":%s}, "tools":[ ] }' % (ONE.encode(), odd)
    (reading,) = get_dialect(source()).read(answer(b'{"code":0 ,"data": ' + data + b" }"), [ONE])
    assert (reading.verdict, reading.payload) == (Verdict.DOCUMENT, data)


@pytest.mark.parametrize("stamp", ["", "yesterday", 5, None, "0001-01-01T00:00:00+14:00", "9" * 50])
def test_timestamp_that_is_none_says_nothing(stamp: Any) -> None:
    body = envelope(stated(document()) | {"@timestamp": stamp})
    (reading,) = get_dialect(source()).read(answer(body), [ONE])
    assert (reading.verdict, reading.said_at) == (Verdict.DOCUMENT, None)


def test_timestamp_of_the_envelope_counts_too() -> None:
    body = envelope(document()) | {"@timestamp": SAID}
    (reading,) = get_dialect(source()).read(answer(body), [ONE])
    assert reading.said_at == from_iso(SAID)


@pytest.mark.parametrize("dialect", ASKED)
def test_document_of_another_gpt_is_filed_under_the_id_it_carries(dialect: str) -> None:
    body = completion(fence(document(TWO))) if dialect == "chat-query" else document(TWO)
    (reading,) = get_dialect(source(dialect)).read(answer(body), [ONE])
    assert (reading.asked, reading.verdict, reading.gizmo_id) == (ONE, Verdict.MISMATCHED, TWO)
    assert json.loads(reading.payload) == document(TWO)
    assert ONE in reading.detail
    assert TWO in reading.detail


def test_id_that_differs_in_case_is_another() -> None:
    (reading,) = get_dialect(source()).read(answer(document(ONE.replace("A", "a"))), [ONE])
    assert reading.verdict is Verdict.MISMATCHED


def test_list_for_one_id_gives_that_one_and_the_rest() -> None:
    body = envelope([document(TWO), document(ONE), document(THREE)])
    readings = get_dialect(source()).read(answer(body), [ONE])
    assert [(r.asked, r.verdict, r.gizmo_id) for r in readings] == [
        (ONE, Verdict.DOCUMENT, ONE),
        ("", Verdict.DOCUMENT, TWO),
        ("", Verdict.DOCUMENT, THREE),
    ]


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (document(""), "without an id"),
        ({"gizmo": {"display": {}}, "tools": []}, "without an id"),
        (document("g-short"), "no GPT's: 'g-short'"),
        (document(PROJECT), f"a project, not a GPT: {PROJECT}"),
        (document(ONE, gizmo_type="snorlax"), "a project"),
        ({"gizmo": None, "tools": []}, "gizmo is no object"),
        (envelope([{"id": ONE, "title": "x"}]), "without their documents"),
        ({"tools": [], "files": []}, "without their GPT"),
        (spaced(document())[:-1], CUT),
        (b'{"gizmo":{"id":"\xff"}}', "not UTF-8"),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "too deep"),
        (b'data: {"id":1}\n\n', "event stream"),
        ([[[[[[[[[[document()]]]]]]]]]], "too deep"),
    ],
)
def test_answer_without_a_usable_document_is_malformed(body: Any, detail: str) -> None:
    given = answer(body)
    (reading,) = get_dialect(source()).read(given, [ONE])
    assert (reading.verdict, reading.gizmo_id) == (Verdict.MALFORMED, "")
    assert detail in reading.detail
    assert reading.payload == given.body


@pytest.mark.parametrize("cut", range(len(spaced(envelope(document())))))
def test_document_that_is_cut_is_never_one(cut: int) -> None:
    (reading,) = get_dialect(source()).read(answer(spaced(envelope(document()))[:cut]), [ONE])
    assert reading.verdict is Verdict.MALFORMED


def test_what_stands_beside_the_document_and_is_none_keeps_its_bytes() -> None:
    nameless = {"gizmo": {"display": {"name": "No id"}}, "tools": []}
    item = {"id": TWO, "title": "x"}
    given = answer(envelope([document(ONE), nameless, item, document(PROJECT)]))
    own, *others = get_dialect(source()).read(given, [ONE])
    assert (own.verdict, own.gizmo_id) == (Verdict.DOCUMENT, ONE)
    assert {(each.asked, each.verdict, each.status) for each in others} == {
        ("", Verdict.MALFORMED, 200)
    }
    assert [json.loads(each.payload) for each in others] == [item, nameless, document(PROJECT)]
    assert all(each.payload in given.body for each in others)


def test_neighbours_that_are_refused_alike_all_keep_their_bytes() -> None:
    nameless = [{"gizmo": {"display": {"name": name}}, "tools": []} for name in "ABC"]
    given = answer(envelope([document(ONE), *nameless]))
    _, refused = get_dialect(source()).read(given, [ONE])
    assert refused.payload == given.body
    _, found = get_dialect(source()).read_search(given)
    assert [each.payload for each in found[1:]] == [given.body]


def test_missing_from_batch_is_one_constant() -> None:
    readings = get_dialect(source("chat-query")).read(answer(document(ONE)), [ONE, TWO])
    assert [reading.detail for reading in readings] == ["", MISSING_FROM_BATCH]


K5_ROW = {
    "uuid": ONE,
    "org_id": "org-x",
    "name": "Made up",
    "created_at": "2023-12-01T00:00:00Z",
    "visit_url": f"https://chat.openai.com/g/{ONE}",
    "detail": {"data": document(), "created_at": 1},
}
K5_POOR = K5_ROW | {"detail": None, "uuid": TWO, "visit_url": None}
K1_ITEM = {"gid": f"gpt-4-gizmo-{ONE}", "name": "x", "logo": "", "info": "i", "use_cnt": "3"}
OWN_LINE = {"observed_at": "2024-03-04T10:05:16Z", "gpt": document()}

# row, value, documents as (payload, wrapping), ids of mentions
RECORDED: list[tuple[str, Any, list[tuple[Any, str]], list[str]]] = [
    *[(row, body, [(payload, wrapping)], []) for row, _, body, payload, wrapping in DETAILS],
    ("G4", envelope([item(ONE), item(TWO)]), [], [ONE, TWO]),
    ("G5", envelope([{"id": ONE, "title": "x", "description": ""}]), [], [ONE]),
    ("G7", completion(fence(document())), [(document(), "gizmo")], []),
    (
        "G8",
        completion(fence([document(ONE), document(TWO)]), "batch-get-gpts"),
        [(document(ONE), "gizmo"), (document(TWO), "gizmo")],
        [],
    ),
    ("K1", {"tag": ["a"], "gpts": [K1_ITEM]}, [], [ONE]),
    ("K2, K3", {"data": {"list": [K1_ITEM]}}, [], [ONE]),
    ("K4 with an id", {"error": 0, "error_des": "", "data": {"gpts": K1_ITEM}}, [], [ONE]),
    (
        "K5",
        {"code": 0, "message": "ok", "data": {"rows": [K5_ROW, K5_POOR], "count": 2}},
        [(K5_ROW, "detail.data.gizmo")],
        [TWO],
    ),
    ("K5 row", K5_ROW, [(K5_ROW, "detail.data.gizmo")], []),
    ("K6", {"code": 0, "message": "ok", "data": [K5_ROW]}, [(K5_ROW, "detail.data.gizmo")], []),
    (
        "B3 resource",
        {"items": [{"resource": document()}], "cursor": None},
        [({"resource": document()}, "resource.gizmo")],
        [],
    ),
    ("B3 gizmo", {"items": [document()], "cursor": "x"}, [(document(), "gizmo")], []),
    ("B3 bare", {"hits": {"items": [gizmo()]}}, [(gizmo(), "")], []),
    (
        "B4",
        {
            "cuts": [
                {"info": {"id": "x", "title": "y"}, "list": {"items": [{"resource": document()}]}}
            ]
        },
        [({"resource": document()}, "resource.gizmo")],
        [],
    ),
    (
        "B5, B6",
        {"info": {"id": "dalle"}, "list": {"items": [{"resource": document()}], "cursor": "16"}},
        [({"resource": document()}, "resource.gizmo")],
        [],
    ),
    (
        "B7 bootstrap",
        {"gizmos": [{"resource": document(), "flair": {"kind": "x"}}]},
        [({"resource": document(), "flair": {"kind": "x"}}, "resource.gizmo")],
        [],
    ),
    ("B7 pinned", {"items": [{"gizmo": gizmo()}]}, [({"gizmo": gizmo()}, "gizmo")], []),
    (
        "B7 sidebar",
        {"items": [{"gizmo": document()}], "cursor": "x"},
        [({"gizmo": document()}, "gizmo.gizmo")],
        [],
    ),
    (
        "B8",
        {"items": [document(), document(TWO)]},
        [(document(), "gizmo"), (document(TWO), "gizmo")],
        [],
    ),
    ("own line", OWN_LINE, [(document(), "gizmo")], []),
    ("own lines", [OWN_LINE, OWN_LINE], [(document(), "gizmo")] * 2, []),
    (
        "catalog's wrapper",
        {"id": ONE, "created_at": "x", "data": document()},
        [({"id": ONE, "created_at": "x", "data": document()}, "data.gizmo")],
        [],
    ),
    ("bare gizmos", [gizmo(ONE), gizmo(TWO)], [(gizmo(ONE), ""), (gizmo(TWO), "")], []),
    (
        "side file",
        [{"id": ONE, "name": "x", "short_url": f"https://chatgpt.com/g/{ONE}-x"}],
        [],
        [ONE],
    ),
    (
        "by id",
        {ONE: document(ONE), TWO: document(TWO)},
        [(document(ONE), "gizmo"), (document(TWO), "gizmo")],
        [],
    ),
]


@pytest.mark.parametrize(
    ("value", "documents", "mentioned"),
    [row[1:] for row in RECORDED],
    ids=[row[0] for row in RECORDED],
)
def test_recorded_takes_every_wrapping(
    value: Any, documents: list[tuple[Any, str]], mentioned: list[str]
) -> None:
    found = read_value(spaced(value))
    assert found.refusals == ()
    assert [mention.gizmo_id for mention in found.mentions] == mentioned
    assert [(json.loads(r.payload), r.wrapping) for r in found.readings] == documents
    for reading in found.readings:
        assert (reading.asked, reading.verdict, reading.status) == ("", Verdict.DOCUMENT, 0)
        assert reading.payload in spaced(value) or "choices" in value


def test_recorded_line_names_its_time_before_the_document_does() -> None:
    line = {"observed_at": "2024-03-04T10:05:16Z", "gpt": stated(document())}
    assert read_value(spaced(line)).readings[0].said_at == from_iso("2024-03-04T10:05:16Z")
    assert read_value(spaced(line | {"observed_at": "?"})).readings[0].said_at == from_iso(SAID)


def test_recorded_mention_keeps_title_and_rank() -> None:
    found = read_value(spaced({"tag": [], "gpts": [{"gid": "gpt-4-all", "name": "all"}, K1_ITEM]}))
    (mention,) = found.mentions
    assert (mention.gizmo_id, mention.title, mention.rank) == (ONE, "x", 2)
    assert json.loads(mention.payload) == K1_ITEM
    assert [refusal.reason[:18] for refusal in found.refusals] == ["an item: 'gpt-4-al"]


SNORLAX = {"gizmo": {"gizmo": gizmo("", gizmo_type="snorlax"), "tools": []}, "isActive": False}


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (spaced({"detail": "Internal Server Error"}), "an error body: Internal Server Error"),
        (spaced({"error": {"message": "gizmo not found"}}), "an error body: gizmo not found"),
        (spaced({"code": -1, "message": "invalid params"}), "an error body: invalid params"),
        (spaced({"model": "get-gpts", "messages": []}), "a request"),
        (spaced({"code": True, "data": {"object": "token_usage"}, "message": "ok"}), "quota"),
        (
            spaced([{"id": "gzm_cnf_a~gzm_tool_b", "type": "dalle", "name": "x"}]),
            "a tool or a file",
        ),
        (spaced([{"id": "x", "file_id": "file-x", "name": "x"}]), "a tool or a file"),
        (spaced({"observed_at": "2024-03-04", "gpt": {"tools": []}}), "tools without their GPT"),
        (spaced({"gpt": {"gizmo": None}}), "no object"),
        (spaced({"list": {"items": [], "cursor": None}}), "an empty list"),
        (spaced(completion("Hello there")), "a chat answer without JSON: Hello there"),
        (spaced(completion(fence(document()), "gpt-4-gizmo")), "own words"),
        (spaced(completion(fence(document())) | {"model": None}), "own words"),
        (spaced(completion(None)), "without JSON"),
        (spaced({"choices": []}), "own words"),
        (spaced({"choices": ["x"], "model": "get-gpts"}), "without JSON"),
        (spaced(document(PROJECT)), PROJECT),
        (spaced(SNORLAX), "its id is blank"),
        (spaced({"code": 0, "data": None}), "an envelope without data"),
        (spaced({"a": 1, "b": 2}), "no known form, with a, b"),
        (b"{}", "an empty object"),
        (b"12", "a single value"),
        (b"[1, 2]", "a single value"),
        (b"# Notes", "not JSON"),
        (b"<html>", "web page"),
        (b"", "empty"),
        (b'{"gizmo": {"id"', CUT),
    ],
)
def test_recorded_refuses_with_the_reason(raw: bytes, reason: str) -> None:
    found = read_value(raw)
    assert (found.readings, found.mentions) == ((), ())
    (refusal,) = found.refusals
    assert reason in refusal.reason


def test_recorded_marks_projects_as_set_aside() -> None:
    found = read_value(spaced({"items": [{"gizmo": document(PROJECT)}, {"gizmo": document()}]}))
    assert [reading.gizmo_id for reading in found.readings] == [ONE]
    assert [refusal.project for refusal in found.refusals] == [True]
    assert PROJECT in found.refusals[0].reason


def test_recorded_counts_neighbours_that_are_refused_alike() -> None:
    found = read_value(spaced([{"file_id": "a"}, {"file_id": "b"}, document(), {"file_id": "c"}]))
    assert len(found.readings) == 1
    assert [refusal.count for refusal in found.refusals] == [3]


def test_recorded_looks_into_no_text_of_a_document() -> None:
    inner = fence(document(TWO))
    value = document(display={"name": inner, "description": json.dumps(document(TWO))})
    found = read_value(spaced({"items": [value]}))
    assert [reading.gizmo_id for reading in found.readings] == [ONE]
    assert found.refusals == ()


def test_recorded_answer_is_read_like_a_live_one() -> None:
    dialect = get_dialect(source("recorded", base_url=""))
    assert dialect.batch_size == 1
    assert dialect.read(answer(document()), [ONE])[0].verdict is Verdict.DOCUMENT
    assert dialect.read_search(answer(envelope([item(ONE)])))[0][0].gizmo_id == ONE
