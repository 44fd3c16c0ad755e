"""Who may ask, and what browsers are told about the answers.

A page that somebody else serves can send a browser here under a name of its own; so only who calls
this server by an address, by ``localhost`` or by a name it was given is answered. Nothing is
changed by any request, and no method that would say so is taken.
"""

from __future__ import annotations

import hashlib
import hmac
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from catalog.hosts import is_called_by_name
from catalog.web import api
from catalog.web.api.problems import KINDS, respond

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from catalog.web.options import WebOptions

METHODS = frozenset({"GET", "HEAD"})
TOKEN = "token"  # noqa: S105  (the name of a parameter)
"""The parameter that may carry the token, once: it becomes a cookie, and leaves the address."""
COOKIE = "gpts-catalog-token"
_BEARER = "bearer "
_OTHERS = frozenset({"cross-site", "same-site"})
"""What a browser says of a request that another origin's page made (Fetch Metadata, 2.3)."""
_PAGE = "document"

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""No code and no style but from files of this program; nothing from anywhere else."""
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


class Safety:
    """Stands before everything: refuses whom it must, and marks every answer.

    Args:
        app: what answers.
        options: to whom.
    """

    def __init__(self, app: ASGIApp, options: WebOptions) -> None:
        self._app = app
        self._token = options.token
        # The cookie shows that somebody had the token, and is not the token.
        self._cookie = _digest(options.token or "")
        self._names = frozenset({"localhost", *(name.casefold() for name in options.hosts)})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse to."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                # Whoever has the token sees what others may not: no cache between keeps it.
                headers.setdefault("Cache-Control", "private, no-cache")
            await send(message)

        headers = Headers(scope=scope)
        answer = self._refusal(scope, headers) or self._sign_in(scope, headers)
        await (answer or self._app)(scope, receive, marked)

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        if not is_called_by_name(headers.getlist("host"), self._names):
            return _say(
                scope,
                "wrong-host",
                "This server is called by its address, by localhost, or by a name that"
                " gpts-catalog serve was given with --name.",
            )
        if headers.get("sec-fetch-site") in _OTHERS and headers.get("sec-fetch-dest") != _PAGE:
            # Whoever follows a link is welcome. What a page of somebody else's asks for by itself
            # cannot be read there, and would only keep this server busy: with SQL, for long.
            return PlainTextResponse(
                "Pages of other places may link here, and not ask by themselves.\n",
                HTTPStatus.FORBIDDEN,
            )
        # The API says itself what it takes.
        if scope["method"] not in METHODS and not api.owns(scope["path"]):
            return PlainTextResponse(
                "Everything here is read with GET; nothing is changed.\n",
                HTTPStatus.METHOD_NOT_ALLOWED,
                {"Allow": ", ".join(sorted(METHODS))},
            )
        return None

    def _sign_in(self, scope: Scope, headers: Headers) -> Response | None:
        """None where the caller has shown the token, or needs none."""
        if self._token is None:
            return None
        pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        shown = [value for name, value in pairs if name == TOKEN]
        if shown and self._is_token(shown[-1]):
            # Taken out of the address, so that it stands in no history and no shared link.
            rest = urlencode([(name, value) for name, value in pairs if name != TOKEN])
            # A path of two slashes would name another host.
            path = "/" + scope["path"].lstrip("/")
            moved = RedirectResponse(path + (f"?{rest}" if rest else ""), HTTPStatus.SEE_OTHER)
            moved.set_cookie(COOKIE, self._cookie, httponly=True, samesite="strict")
            return moved
        given = headers.get("authorization", "")
        if given[: len(_BEARER)].casefold() == _BEARER and self._is_token(given[len(_BEARER) :]):
            return None
        cookies = cookie_parser(headers.get("cookie", ""))
        if hmac.compare_digest(cookies.get(COOKIE, "").encode(), self._cookie.encode()):
            return None
        return _say(
            scope,
            "token-needed",
            "This catalog is read with a token: open the address that gpts-catalog serve printed,"
            " or send the token as Authorization: Bearer TOKEN.",
            {"WWW-Authenticate": "Bearer"},
        )

    def _is_token(self, text: str) -> bool:
        return self._token is not None and hmac.compare_digest(
            text.strip().encode(), self._token.encode()
        )


def _say(scope: Scope, kind: str, text: str, headers: dict[str, str] | None = None) -> Response:
    """A refusal, in the form that whoever asks reads."""
    if api.owns(scope["path"]):
        return respond(kind, text, headers=headers)
    return PlainTextResponse(f"{text}\n", KINDS[kind].status, headers)


def _digest(token: str) -> str:
    return hashlib.sha256(f"gpts-catalog cookie {token}".encode()).hexdigest()
