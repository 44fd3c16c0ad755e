"""What an answer without a document says: one of the closed set of verdicts.

A failure is not a fact (law 4): only the words "no such GPT", from an answer that is the source's
own, are one (rule 7); all else says something about the source, never about a GPT. The shapes and
wordings are those of ``sources.md`` section 3, in Chinese and English.
"""

from __future__ import annotations

import re
import unicodedata
from http import HTTPStatus
from typing import Any

from catalog.records import Answer, Verdict

DETAIL_LENGTH = 300
"""How long the text of a verdict may be."""

# one-api's reader of foreign errors tries these in this order; the rest are the shapes of
# FastAPI (detail), ddaiai (error_des) and new-api under /mj/ (description).
_MESSAGE_PATHS: tuple[tuple[str, ...], ...] = (
    ("error", "message"),
    ("message",),
    ("msg",),
    ("err",),
    ("error_msg",),
    ("header", "message"),
    ("response", "error", "message"),
    ("detail",),
    ("detail", "message"),
    ("detail", "error"),
    ("detail", "error", "message"),
    ("error",),
    ("error_des",),
)
_CODE_PATHS: tuple[tuple[str, ...], ...] = (("error", "code"), ("code",), ("detail", "code"))
_TYPE_PATHS: tuple[tuple[str, ...], ...] = (("error", "type"), ("type",))
_REFUSALS = (
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.PAYMENT_REQUIRED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.TOO_MANY_REQUESTS,
)
_SUCCESS = frozenset({"0", "200", "ok", "success", ""})

_QUOTA_CODES = frozenset(
    {
        "insufficient_user_quota",
        "insufficient_quota",
        "pre_consume_token_quota_failed",
        "quota_exceeded",
    },
)
_USED_UP = re.compile(
    r"额度|余额|配额|欠费|quota|insufficient[^.]{0,20}(?:balance|credit|fund)"
    r"|balance[^.]{0,20}(?:not enough|insufficient)|out of credit",
)
_KEY_USED_UP = re.compile(rf"{_USED_UP.pattern}|exhausted")
_THROTTLED = re.compile(
    r"rate.?limit|too many requests|too fast|throttl|频繁|频率|请求数限制|限流|负载已饱和",
)
_NO_WAY = re.compile(
    r"无可用渠道|no available channel|model not found|bad response status code|invalid url"
    r"|api not implemented|timeout|timed out|超时",
)
_DENIED = re.compile(
    r"令牌|密钥|无权|未登录|unauthori[sz]ed|forbidden|access denied|permission denied|not logged in"
    r"|(?:invalid|expired|incorrect|missing|wrong|no|unknown)[^.]{0,20}\b(?:token|api.?key|key)\b"
    r"|\b(?:token|api.?key|key)\b[^.]{0,20}(?:invalid|expired|incorrect|missing|disabled|required)",
)

_ID = re.compile(r"(?<![A-Za-z0-9-])g-(?:[0-9a-f]{32}|[A-Za-z0-9]{9})(?![A-Za-z0-9-])")
_SUBJECT = r"(?<![a-z0-9-])(?:gizmos?|gpts?)(?![a-z0-9-])"
_GONE = (
    r"(?:not found|(?:does not|doesn't|do not|don't|no longer) exists?|(?:was|been) deleted"
    r"|不存在|未找到|没有找到|没找到|找不到|已(?:被)?删除)"
)
_NO_SUCH = (
    r"(?:no such|unknown|(?:could not|couldn't|cannot|can't|unable to) find"
    r"|not found|不存在|未找到|没有找到|没找到|找不到)"
)
ABSENT = re.compile(
    rf"{_SUBJECT}[^\n]{{0,80}}?{_GONE}|{_NO_SUCH}[^\n]{{0,40}}?{_SUBJECT}",
)
"""The words of "there is no such GPT", after :func:`_plain`."""
_OTHER_THINGS = re.compile(
    r"model|模型|channel|渠道|\b(?:url|path|route|router|page|endpoint|interface|upstream|server"
    r"|host|service|keys?|tokens?|users?|account|author|files?|tools?|actions?|conversation)\b"
    r"|路由|路径|接口|上游|令牌|密钥|用户|文件",
)


def judge(answer: Answer, value: Any, absent: re.Pattern[str] | None) -> tuple[Verdict, str]:
    """What an answer without a document says.

    Args:
        answer: what came back.
        value: the JSON value of its body (in a chat answer, that of its fence), or None.
        absent: the dialect's words for "there is no such GPT", or None where no answer can say
            that (searches).

    Returns:
        The verdict, and what the source said, for people.
    """
    said = messages(value)
    codes = _texts(value, _CODE_PATHS)
    html = value is None and is_html(answer)
    plain = "" if html or value is not None else answer.body[:2000].decode(errors="replace")
    text = _plain(" ".join((*said, *codes, plain)))
    detail = clean(next(iter(said), "") or plain) or _nameless(answer, html=html)
    says_absent = bool(said or codes) and absent is not None and _says(text, absent)
    return _verdict(answer.status, value, text, says_absent=says_absent), detail


def messages(value: Any) -> list[str]:
    """What an error body says, in the order in which it is worth showing."""
    if not isinstance(value, dict):
        return []
    found = _texts(value, _MESSAGE_PATHS)
    if not found and ("type" in value or "code" in value):
        found = _texts(value, (("description",),))
    detail = value.get("detail")
    if isinstance(detail, list) and detail and isinstance(detail[0], dict):
        found.append(_at(detail[0], ("msg",)))
    telling = [text for text in found if text and text.lower() not in _SUCCESS]
    return list(dict.fromkeys(telling))


def is_failure(value: Any) -> bool:
    """Whether a JSON value says itself that it is an error and no answer."""
    if not isinstance(value, dict):
        return False
    code = value.get("code")
    if code is not None and code is not True and str(code).lower() not in _SUCCESS:
        return True
    return bool(value.get("error")) or value.get("success") is False or bool(value.get("detail"))


def is_success(value: Any) -> bool:
    """Whether a JSON value is an envelope that reports success."""
    return isinstance(value, dict) and "code" in value and not is_failure(value)


def is_ok(status: int) -> bool:
    """Whether the HTTP status says that the answer is one."""
    return HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES


def is_html(answer: Answer) -> bool:
    """Whether the body is a web page."""
    head = answer.body[:100].removeprefix(b"\xef\xbb\xbf").lstrip()
    return head.startswith(b"<") or "html" in answer.headers.get("content-type", "").lower()


def clean(text: str) -> str:
    """``text`` on one line, without control characters, at most :data:`DETAIL_LENGTH` long."""
    kept = "".join(
        character
        for character in text[: 10 * DETAIL_LENGTH]
        if character.isspace() or unicodedata.category(character) not in {"Cc", "Cf", "Cs"}
    )
    line = " ".join(kept.split())
    return line if len(line) <= DETAIL_LENGTH else line[: DETAIL_LENGTH - 1] + "…"


def _verdict(status: int, value: Any, text: str, *, says_absent: bool) -> Verdict:
    """The verdict of an answer with this status and text."""
    if says_absent and status in {HTTPStatus.OK, HTTPStatus.NOT_FOUND}:
        return Verdict.NOT_FOUND
    # Some gateways answer 200 always and put the status into the envelope.
    named = _named_status(value) if is_ok(status) else None
    if verdict := _by_status(named or status, value, text):
        return verdict
    if is_ok(status) and (value is None or is_success(value)):
        return Verdict.MALFORMED
    if verdict := _by_words(text):
        return verdict
    refused = status == HTTPStatus.NOT_FOUND or (is_ok(status) and is_failure(value))
    return Verdict.UNAVAILABLE if refused else Verdict.MALFORMED


def _by_status(status: int, value: Any, text: str) -> Verdict | None:
    """The verdict that the status gives, if it does."""
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Verdict.THROTTLED
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return Verdict.QUOTA if _KEY_USED_UP.search(text) else Verdict.DENIED
    codes = set(_texts(value, (*_CODE_PATHS, *_TYPE_PATHS)))
    if status == HTTPStatus.PAYMENT_REQUIRED or codes & _QUOTA_CODES:
        return Verdict.QUOTA
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in {
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.TOO_EARLY,
    }:
        return Verdict.UNAVAILABLE
    return None


def _by_words(text: str) -> Verdict | None:
    """The verdict that the words alone give, if they do."""
    for words, verdict in (
        (_USED_UP, Verdict.QUOTA),
        (_THROTTLED, Verdict.THROTTLED),
        (_NO_WAY, Verdict.UNAVAILABLE),
        (_DENIED, Verdict.DENIED),
    ):
        if words.search(text):
            return verdict
    return None


def _says(text: str, absent: re.Pattern[str]) -> bool:
    """Whether ``text`` says that a GPT, and not something else, is not there."""
    return absent.search(text) is not None and _OTHER_THINGS.search(text) is None


def _plain(text: str) -> str:
    """``text`` for matching: an id by itself is a gizmo, ``gizmo_not_found`` is words."""
    return _ID.sub(" gizmo ", text).replace("_", " ").replace("\u2019", "'").casefold()


def _at(value: dict[str, Any], path: tuple[str, ...]) -> str:
    """The text at ``path``, or an empty one."""
    found: Any = value
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, str) else ""


def _texts(value: Any, paths: tuple[tuple[str, ...], ...]) -> list[str]:
    """The texts that stand at ``paths``, where there are any."""
    if not isinstance(value, dict):
        return []
    return [text for path in paths if (text := _at(value, path))]


def _named_status(value: Any) -> int | None:
    """The HTTP status of a refusal that an envelope names as its code, if it names one."""
    code = str(value.get("code")) if isinstance(value, dict) else ""
    return next((status for status in _REFUSALS if code == str(int(status))), None)


def _nameless(answer: Answer, *, html: bool) -> str:
    """What to show of an answer that says nothing by itself."""
    if html:
        return f"HTTP {answer.status} with a web page instead of an answer: no such route there?"
    if not answer.body.strip():
        return f"HTTP {answer.status} with an empty body"
    return f"HTTP {answer.status}"
