"""Every row of the table of error shapes, and what may never be taken for a fact (law 4)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from catalog.dialects import MISSING_FROM_BATCH, get_dialect
from catalog.records import Verdict
from tests.unit.dialects.builders import ASKED, ONE, TWO, answer, completion, fence, source

HTML = b"<!doctype html><html><head><title>Gateway</title></head><body>gpts not found</body></html>"


def one_api(message: str, kind: str = "one_api_error", **members: Any) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, **members}}


DENIED, QUOTA = Verdict.DENIED, Verdict.QUOTA
THROTTLED, UNAVAILABLE, MALFORMED = Verdict.THROTTLED, Verdict.UNAVAILABLE, Verdict.MALFORMED

ROWS: list[tuple[str, int, Any, Verdict]] = [
    ("one-api no key", 401, one_api("未提供令牌 (request id: 2024)"), DENIED),
    ("one-api unknown key", 401, one_api("无效的令牌 (request id: 2024)"), DENIED),
    ("one-api expired key", 401, one_api("该令牌已过期"), DENIED),
    ("one-api key's state", 401, one_api("该令牌状态不可用"), DENIED),
    ("one-api key used up", 401, one_api("该令牌额度已用尽"), QUOTA),
    ("one-api named key used up", 401, one_api("令牌 crawl（#7)额度已用尽"), QUOTA),
    (
        "one-api user used up",
        403,
        one_api("user quota is not enough", param="", code="insufficient_user_quota"),
        QUOTA,
    ),
    ("one-api model not allowed", 403, one_api("该令牌无权使用模型：get-gpts"), DENIED),
    ("one-api IP", 403, one_api("您的 IP 不在令牌允许访问的列表中"), DENIED),
    ("one-api banned", 403, one_api("用户已被封禁"), DENIED),
    (
        "one-api no channel",
        503,
        one_api("当前分组 default 下对于模型 gpt-4-gizmo-g-2fkFE8rbu 无可用渠道 (request id 1)"),
        UNAVAILABLE,
    ),
    ("one-api upstream 429", 429, one_api("当前分组上游负载已饱和，请稍后再试"), THROTTLED),
    ("one-api own rate limit", 429, b"", THROTTLED),
    (
        "one-api unknown path under /v1",
        404,
        one_api("Invalid URL (GET /v1/gpts/)", "invalid_request_error", param="", code=""),
        UNAVAILABLE,
    ),
    ("one-api unknown path elsewhere", 200, HTML, MALFORMED),
    (
        "one-api unbuilt",
        501,
        one_api("API not implemented", code="api_not_implemented", param=""),
        UNAVAILABLE,
    ),
    (
        "one-api upstream without JSON",
        502,
        one_api(
            "bad response status code 502",
            "upstream_error",
            param="502",
            code="bad_response_status_code",
        ),
        UNAVAILABLE,
    ),
    (
        "one-api upstream without JSON, 404",
        404,
        one_api("bad response status code 404", "upstream_error", code="bad_response_status_code"),
        UNAVAILABLE,
    ),
    (
        "new-api key",
        401,
        one_api("Invalid token (request id: 1)", "new_api_error", code=""),
        DENIED,
    ),
    (
        "new-api key used up",
        401,
        one_api(
            "This token quota is exhausted TokenStatusExhausted[sk-abc***xyz]", "new_api_error"
        ),
        QUOTA,
    ),
    (
        "new-api no channel",
        503,
        one_api("No available channel for model get-gpts", "new_api_error", code="model_not_found"),
        UNAVAILABLE,
    ),
    (
        "new-api quota before use",
        403,
        one_api("预扣费额度失败", "new_api_error", code="pre_consume_token_quota_failed"),
        QUOTA,
    ),
    (
        "new-api quota with another status",
        500,
        one_api("failed", "new_api_error", code="insufficient_user_quota"),
        QUOTA,
    ),
    (
        "new-api model rate limit",
        429,
        one_api("您已达到请求数限制：1分钟内最多请求60次", "new_api_error"),
        THROTTLED,
    ),
    (
        "new-api /mj/ key",
        401,
        {"description": "无效的令牌", "type": "new_api_error", "code": 4},
        DENIED,
    ),
    (
        "new-api /mj/ no channel",
        503,
        {"description": "无可用渠道", "type": "new_api_error", "code": 3},
        UNAVAILABLE,
    ),
    (
        "new-api /mj/ quota with 200",
        200,
        {"description": "quota_not_enough", "type": "new_api_error", "code": 4},
        QUOTA,
    ),
    ("new-api dashboard 200", 200, {"success": False, "message": "无权进行此操作"}, DENIED),
    ("new-api dashboard 401", 401, {"success": False, "message": "Unauthorized"}, DENIED),
    (
        "new-api usage is no document",
        200,
        {"code": True, "data": {"object": "token_usage", "name": "x"}, "message": "ok"},
        MALFORMED,
    ),
    ("RixAPI key", 401, one_api("Invalid Token", "rix_api_error"), DENIED),
    (
        "RixAPI quota",
        403,
        one_api("用户额度不足, 剩余额度: $-0.4", "rix_api_error", code="insufficient_user_quota"),
        QUOTA,
    ),
    ("yunwu key", 401, one_api("无效的令牌 (request id: 1)", "yunwu_api_error"), DENIED),
    (
        "api.openai.com gizmo model",
        404,
        one_api(
            "The model `gpt-4-gizmo-g-2fkFE8rbu` does not exist or you do not have access to it.",
            "invalid_request_error",
            param=None,
            code="model_not_found",
        ),
        UNAVAILABLE,
    ),
    ("gpt4free-ts message only", 500, {"error": {"message": "timeout"}}, UNAVAILABLE),
    ("gpt4free-ts error text", 500, {"error": "site crashed"}, UNAVAILABLE),
    ("gpt4free-ts key", 401, {"error": {"message": "invalid api key"}}, DENIED),
    (
        "one-api fork, malformed gizmo name",
        503,
        one_api(
            "Please specify a specific model, GPTs share links typified by strings such as "
            "'g-xxxxxxxxx', gpts not found"
        ),
        UNAVAILABLE,
    ),
    ("backend unknown id", 404, {"detail": "Gizmo g-AAAAAAAA1 not found"}, Verdict.NOT_FOUND),
    ("backend no token", 401, {"detail": "Unauthorized"}, DENIED),
    ("backend Cloudflare", 403, HTML, DENIED),
    ("chat2api text", 500, {"detail": "Server error"}, UNAVAILABLE),
    ("chat2api error", 403, {"detail": {"error": "cf-spinner-please-wait"}}, DENIED),
    ("chat2api rate", 429, {"detail": "rate-limit"}, THROTTLED),
    (
        "chat2api validation",
        422,
        {"detail": [{"loc": ["query", "id"], "msg": "field required", "type": "missing"}]},
        MALFORMED,
    ),
    ("gpts.works", 200, {"code": -1, "message": "invalid params"}, UNAVAILABLE),
    ("ddaiai", 200, {"error": 3, "error_des": "something"}, UNAVAILABLE),
    ("Cloudflare 1015", 429, HTML, THROTTLED),
    ("Cloudflare challenge", 403, HTML, DENIED),
    ("Cloudflare 520", 520, HTML, UNAVAILABLE),
    ("Cloudflare challenge 503", 503, HTML, UNAVAILABLE),
    ("GoAPI 400", 400, {"message": "bad request"}, MALFORMED),
    ("GoAPI 401", 401, {"message": "unauthorized"}, DENIED),
    ("GoAPI 500", 500, {"message": "internal"}, UNAVAILABLE),
    # Beyond the table: what the same families may send.
    ("used up by 402", 402, b"", QUOTA),
    ("key by 400", 400, one_api("Incorrect API key provided"), DENIED),
    ("no channel by 400", 400, one_api("当前分组下对于模型 get-gpts 无可用渠道"), UNAVAILABLE),
    ("429 that speaks of quota", 429, one_api("You exceeded your current quota"), THROTTLED),
    ("429 that speaks of absence", 429, {"detail": "gizmo not found"}, THROTTLED),
    ("401 in plain text", 401, b"token quota exhausted", QUOTA),
    ("401 with nothing", 401, b"", DENIED),
    ("404 with nothing", 404, b"", UNAVAILABLE),
    ("404 of a Go server", 404, b"404 page not found", UNAVAILABLE),
    ("404 of FastAPI", 404, {"detail": "Not Found"}, UNAVAILABLE),
    ("404 page", 404, HTML, UNAVAILABLE),
    ("400 page", 400, HTML, MALFORMED),
    ("500 that speaks of absence", 500, {"detail": "gizmo not found"}, UNAVAILABLE),
    ("408", 408, b"", UNAVAILABLE),
    ("redirect", 301, b"", MALFORMED),
    ("204", 204, b"", MALFORMED),
    ("200 with nothing", 200, b"", MALFORMED),
    ("200 in plain text", 200, b"gpts not found", MALFORMED),
    ("200 null", 200, b"null", MALFORMED),
    ("200 number", 200, b"12", MALFORMED),
    ("200 text", 200, b'"gpts not found"', MALFORMED),
    ("200 []", 200, b"[]", MALFORMED),
    ("200 {}", 200, b"{}", MALFORMED),
    ("200 data null", 200, {"code": 0, "data": None}, MALFORMED),
    ("200 data {}", 200, {"code": 0, "msg": "ok", "data": {}}, MALFORMED),
    ("200 data []", 200, {"code": 0, "msg": "ok", "data": []}, MALFORMED),
    ("200 success with words", 200, {"code": 0, "msg": "剩余额度 5", "data": None}, MALFORMED),
    ("200 gizmo null", 200, {"code": 0, "msg": "ok", "data": {"gizmo": None}}, MALFORMED),
    ("200 tools only", 200, {"tools": []}, MALFORMED),
    ("200 code in words", 200, {"code": "success", "message": "ok", "data": None}, MALFORMED),
    ("200 code 1", 200, {"code": 1, "msg": "failed", "data": None}, UNAVAILABLE),
    ("200 code 401", 200, {"code": 401, "msg": "bad credentials", "data": None}, DENIED),
    ("200 code 429", 200, {"code": "429", "msg": "slow down", "data": None}, THROTTLED),
    ("200 code 402", 200, {"code": 402, "msg": "pay", "data": None}, QUOTA),
    ("200 code 404", 200, {"code": 404, "msg": "Not Found", "data": None}, UNAVAILABLE),
    ("200 code 500", 200, {"code": 500, "msg": "oops", "data": None}, UNAVAILABLE),
    ("200 busy", 200, {"code": 5, "msg": "请求过于频繁，请稍后再试"}, THROTTLED),
    ("200 balance", 200, {"code": 5, "msg": "余额不足"}, QUOTA),
    ("200 key", 200, {"code": 5, "msg": "无效的令牌"}, DENIED),
    ("200 no channel", 200, {"code": 5, "msg": "no available channel"}, UNAVAILABLE),
    ("200 detail", 200, {"detail": "Internal Server Error"}, UNAVAILABLE),
]


@pytest.mark.parametrize("dialect", ASKED)
@pytest.mark.parametrize(
    ("status", "body", "verdict"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS]
)
def test_error_has_its_verdict(dialect: str, status: int, body: Any, verdict: Verdict) -> None:
    given = answer(body, status)
    (reading,) = get_dialect(source(dialect)).read(given, [ONE])
    assert reading.verdict is verdict
    assert (reading.asked, reading.status) == (ONE, status)
    assert reading.payload == given.body
    assert reading.gizmo_id == (ONE if verdict is Verdict.NOT_FOUND else "")
    assert 0 < len(reading.detail) <= 300


@pytest.mark.parametrize(
    ("status", "body"), [row[1:3] for row in ROWS], ids=[row[0] for row in ROWS]
)
def test_error_of_a_search_is_no_fact(status: int, body: Any) -> None:
    mentions, readings = get_dialect(source()).read_search(answer(body, status))
    assert mentions == []
    assert all(not reading.verdict.is_fact and not reading.asked for reading in readings)


ABSENT: list[tuple[int, Any]] = [
    (404, {"detail": "Gizmo not found"}),
    (404, {"detail": f"Gizmo {ONE} not found"}),
    (404, {"detail": f"{ONE} not found"}),
    (404, {"detail": {"message": "GPT not found"}}),
    (404, {"error": {"message": "gizmo does not exist", "type": "x", "code": "gizmo_not_found"}}),
    (404, {"error": {"message": "", "code": "gizmo_not_found"}}),
    (404, {"code": 404, "msg": "gpts not found (request id: 2024)"}),
    (200, {"code": 404, "msg": "gpts not found", "data": None}),
    (200, {"code": 1, "msg": "The GPTs doesn’t exist", "data": {}}),
    (200, {"code": 4, "msg": "gpts 不存在", "sn": "0f"}),
    (200, {"code": 4, "msg": "未找到该GPTs"}),
    (200, {"code": 4, "msg": "找不到 gizmo"}),
    (200, {"code": -1, "message": "no such gizmo"}),
    (200, {"code": -1, "message": "this GPT has been deleted"}),
    (200, {"detail": "Gizmo not found"}),
    (200, {"message": "gizmo not found"}),
    (200, {"description": "gpts not found", "type": "new_api_error", "code": 4}),
]


@pytest.mark.parametrize("dialect", ASKED)
@pytest.mark.parametrize(("status", "body"), ABSENT)
def test_not_found_is_said_in_so_many_words(dialect: str, status: int, body: Any) -> None:
    (reading,) = get_dialect(source(dialect)).read(answer(body, status), [ONE])
    assert (reading.verdict, reading.gizmo_id) == (Verdict.NOT_FOUND, ONE)


NEVER_ABSENT: list[tuple[int, Any]] = [
    (404, {"error": {"message": "gizmo not found", "code": "model_not_found"}}),
    (404, {"error": {"message": "Invalid URL (GET /v2/gpts/x), gpts not found"}}),
    (404, {"error": {"message": "The model gpt-4-gizmo does not exist"}}),
    (404, {"error": {"message": f"gpt-4-gizmo-{ONE} not found"}}),
    (404, {"error": {"message": "get-gpts not found"}}),
    (200, {"code": 5, "msg": "no channel for gpts found, not found"}),
    (200, {"code": 5, "msg": "gpts user not found"}),
    (200, {"code": 5, "msg": "gpts 渠道不存在"}),
    (200, {"code": 5, "msg": "令牌不存在 gpts"}),
    (200, {"code": 5, "msg": "not found"}),
    (410, {"detail": "gizmo not found"}),
    (400, {"detail": "gizmo not found"}),
    (403, {"detail": "gizmo not found"}),
    (404, b"<html>gizmo not found</html>"),
    (404, b"gizmo not found"),
    (200, completion("Sorry, this gizmo was not found.")),
]


@pytest.mark.parametrize("dialect", ASKED)
@pytest.mark.parametrize(("status", "body"), NEVER_ABSENT)
def test_not_found_is_never_read_into_something_else(dialect: str, status: int, body: Any) -> None:
    (reading,) = get_dialect(source(dialect)).read(answer(body, status), [ONE])
    assert not reading.verdict.is_fact


def test_not_found_may_stand_in_the_fence_of_a_chat_answer() -> None:
    body = completion(fence({"detail": "Gizmo not found"}))
    (reading,) = get_dialect(source("chat-query")).read(answer(body), [ONE])
    assert reading.verdict is Verdict.NOT_FOUND


def test_not_found_in_a_text_of_a_document_is_no_verdict() -> None:
    body = {"gizmo": {"id": None, "display": {"description": "gizmo not found"}}, "tools": []}
    (reading,) = get_dialect(source()).read(answer(body), [ONE])
    assert (reading.verdict, reading.detail) == (MALFORMED, "a document without an id")


@pytest.mark.parametrize(("status", "body"), ABSENT)
def test_not_found_for_a_batch_makes_each_id_asked_singly(status: int, body: Any) -> None:
    readings = get_dialect(source("chat-query")).read(answer(body, status), [ONE, TWO])
    assert [(reading.asked, reading.verdict, reading.detail) for reading in readings] == [
        (ONE, MALFORMED, MISSING_FROM_BATCH),
        (TWO, MALFORMED, MISSING_FROM_BATCH),
    ]


@pytest.mark.parametrize("status", [401, 429, 503])
def test_error_of_a_batch_holds_for_every_id(status: int) -> None:
    readings = get_dialect(source("chat-query")).read(answer(b"", status), [ONE, TWO])
    assert [reading.asked for reading in readings] == [ONE, TWO]
    assert len({reading.verdict for reading in readings}) == 1


def test_detail_is_one_short_line_without_control_characters() -> None:
    message = "no\x1b[31m\r\n\u202egood \ud800 " + "x" * 1000
    body = json.dumps({"code": 5, "msg": message}).encode()
    (reading,) = get_dialect(source()).read(answer(body), [ONE])
    assert reading.detail.startswith("no[31m good xxx")
    assert len(reading.detail) == 300
    assert reading.detail.isprintable()


def test_detail_says_that_a_page_came_instead_of_an_answer() -> None:
    (reading,) = get_dialect(source()).read(answer(HTML), [ONE])
    assert "no such route" in reading.detail


def test_page_with_a_json_content_type_is_still_a_page() -> None:
    (reading,) = get_dialect(source()).read(answer(HTML, 403, content_type="text/json"), [ONE])
    assert (reading.verdict, "web page" in reading.detail) == (DENIED, True)
