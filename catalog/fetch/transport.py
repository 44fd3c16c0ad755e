"""How bytes get to a source and back: an httpx client over aiohttp, and its errors as ours.

httpx keeps the face: addresses, proxies and authorities from the environment. aiohttp does the
work, at a seventh of httpx's own cost for a request. What aiohttp does unasked is switched off:
repeating, decompressing, following redirects, keeping cookies.
"""

from __future__ import annotations

import base64
import os
import ssl
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport, HttpxAiohttpClient

from catalog.errors import FetchError, FetchTerminal, FetchTransient, SettingsError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from catalog.settings import SourceSettings

_SCHEMES = frozenset({"http", "https"})
_KEEP_OPEN = 30.0  # seconds; longer than a polite pause between two requests

NETWORK_ERRORS = (
    httpx.HTTPError,
    httpx.InvalidURL,
    httpx.CookieConflict,
    httpx.StreamError,
    aiohttp.ClientError,
    OSError,  # TimeoutError is one
    ssl.SSLError,
)
"""Everything that a request can raise on account of the network or the source."""

_MEANINGS: Mapping[type[Exception], tuple[type[FetchError], str]] = {
    httpx.ConnectTimeout: (FetchTransient, "no connection within connect_timeout"),
    httpx.PoolTimeout: (FetchTransient, "no connection within connect_timeout"),
    httpx.ReadTimeout: (FetchTransient, "nothing arrived within read_timeout"),
    httpx.WriteTimeout: (FetchTransient, "the question could not be sent in time"),
    httpx.TimeoutException: (FetchTransient, "no answer in time"),
    httpx.ConnectError: (FetchTransient, "no connection"),
    httpx.NetworkError: (FetchTransient, "the connection was cut"),
    httpx.RemoteProtocolError: (FetchTransient, "the connection was cut, or is not HTTP"),
    httpx.ProxyError: (FetchTransient, "the proxy gave no connection"),
    httpx.DecodingError: (FetchTransient, "its answer is damaged"),
    httpx.LocalProtocolError: (FetchTerminal, "the question is no valid HTTP"),
    httpx.ProtocolError: (FetchTransient, "no valid HTTP"),
    httpx.UnsupportedProtocol: (FetchTerminal, "base_url is no http:// or https:// address"),
    httpx.TransportError: (FetchTransient, "no answer"),
    httpx.TooManyRedirects: (FetchTerminal, "it redirects in circles"),
    httpx.RequestError: (FetchTransient, "no answer"),
    httpx.HTTPStatusError: (FetchTerminal, "an answer that was not expected"),
    httpx.HTTPError: (FetchTransient, "no answer"),
    httpx.InvalidURL: (FetchTerminal, "base_url, or where it redirects to, is no address"),
    httpx.CookieConflict: (FetchTerminal, "its cookies contradict each other"),
    httpx.StreamError: (FetchTerminal, "its answer was read twice"),
    aiohttp.ClientConnectorDNSError: (FetchTransient, "its host name cannot be resolved"),
    aiohttp.ClientConnectorSSLError: (FetchTransient, "TLS failed"),
    aiohttp.ClientConnectorError: (FetchTransient, "no connection"),
    aiohttp.ClientPayloadError: (FetchTransient, "its answer was cut in the middle"),
    aiohttp.ClientHttpProxyError: (FetchTransient, "the proxy refused"),
    aiohttp.ClientProxyConnectionError: (FetchTransient, "the proxy cannot be reached"),
    aiohttp.ClientResponseError: (FetchTransient, "its answer is no valid HTTP"),
    aiohttp.ServerTimeoutError: (FetchTransient, "no answer in time"),
    aiohttp.ConnectionTimeoutError: (FetchTransient, "no connection within connect_timeout"),
    aiohttp.SocketTimeoutError: (FetchTransient, "nothing arrived within read_timeout"),
    aiohttp.ClientConnectionError: (FetchTransient, "the connection was cut"),
    aiohttp.ClientError: (FetchTransient, "no answer"),
    aiohttp.InvalidURL: (FetchTerminal, "base_url is no address"),
    aiohttp.NonHttpUrlClientError: (
        FetchTerminal,
        "base_url is no http:// or https:// address",
    ),
    TimeoutError: (FetchTransient, "no whole answer within total_timeout"),
    OSError: (FetchTransient, "no connection"),
}


def explain(error: BaseException) -> FetchError:
    """What ``error`` means, as one of our errors, in words that hold nothing of the request.

    Never uses the error's own text: it may name addresses with passwords, or headers.

    Args:
        error: one of :data:`NETWORK_ERRORS`, or ours already.
    """
    chain = list(_chain(error))
    ours = next((each for each in chain if isinstance(each, FetchError)), None)
    if ours is not None:
        return ours
    # aiohttp's errors are also of these types, but lack what the types promise.
    system = [each for each in chain if not isinstance(each, aiohttp.ClientError)]
    for each in system:
        if isinstance(each, ssl.SSLCertVerificationError):
            return FetchTerminal(
                f"its certificate is not trusted ({each.verify_message}): "
                "SSL_CERT_FILE can name further authorities"
            )
    # aiohttp's own error is the exact one where httpx-aiohttp translated it.
    exact = next((each for each in chain if isinstance(each, aiohttp.ClientError)), error)
    known = next(
        (_MEANINGS[cls] for cls in type(exact).__mro__ if cls in _MEANINGS),
        (FetchTransient, "no answer"),
    )
    meaning, words = known
    return meaning(f"{words}{_reason(system)}")


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _reason(chain: list[BaseException]) -> str:
    """TLS's or the operating system's word for it, if there is one."""
    for each in chain:
        if isinstance(each, ssl.SSLError) and each.reason:
            return f" ({each.reason})"
        if isinstance(each, ConnectionError) and each.errno:
            return f" ({os.strerror(each.errno)})"
    return ""


async def _once(
    request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Send ``request`` a single time.

    aiohttp repeats a GET by itself when the connection is cut, even a new one: that would be a
    request that costs money and is in nobody's books. It lets errors of other libraries through.
    """
    try:
        return await send(request)
    except (
        aiohttp.ConnectionTimeoutError,
        aiohttp.ClientConnectorError,
    ):
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise httpx.RemoteProtocolError("the connection was cut") from error


class Client(HttpxAiohttpClient):
    """httpx's client over sessions that do nothing unasked, also through proxies."""

    @asynccontextmanager
    async def exchange(
        self, method: str, url: str, content: bytes | None = None
    ) -> AsyncIterator[httpx.Response]:
        """Send one request; its answer's body is still to be read.

        Goes to the transport that httpx chooses, but past its handling of cookies, redirects and
        logins: a third of a request's cost, for what is switched off anyhow.
        """
        request = httpx.Request(
            method,
            url,
            headers=self.headers,
            content=content,
            extensions={"timeout": self.timeout.as_dict()},
        )
        if content is not None:
            request.headers["content-type"] = "application/json"
        if request.url.scheme not in _SCHEMES or not request.url.host:
            raise httpx.UnsupportedProtocol("no http:// or https:// address")
        transport = self._transport_for_url(request.url)
        response = await transport.handle_async_request(request)
        try:
            yield response
        finally:
            await response.aclose()

    def _init_transport(self, *args: Any, **options: Any) -> httpx.AsyncBaseTransport:
        return _sober(super()._init_transport(*args, **options))

    def _init_proxy_transport(
        self, proxy: httpx.Proxy, *args: Any, **options: Any
    ) -> httpx.AsyncBaseTransport:
        if proxy.url.scheme not in _SCHEMES:  # SOCKS is beyond aiohttp
            raise SettingsError(
                f"the environment names a {proxy.url.scheme} proxy, which this program does not "
                "speak: set HTTP_PROXY and HTTPS_PROXY to an http:// proxy, or NO_PROXY to the "
                "source's host"
            )
        return _sober(super()._init_proxy_transport(_with_auth_header(proxy), *args, **options))


def _with_auth_header(proxy: httpx.Proxy) -> httpx.Proxy:
    """``proxy`` with its password as a header: the way aiohttp has not deprecated."""
    if proxy.raw_auth is None:
        return proxy
    token = base64.b64encode(b":".join(proxy.raw_auth)).decode()
    headers = httpx.Headers(proxy.headers)
    headers["authorization"] = f"Basic {token}"  # aiohttp makes it Proxy-Authorization
    return httpx.Proxy(proxy.url, headers=headers, ssl_context=proxy.ssl_context)


def _sober(transport: httpx.AsyncBaseTransport) -> httpx.AsyncBaseTransport:
    """``transport`` with a session that keeps no cookies and sends each request once."""
    if not isinstance(transport, AiohttpTransport):
        return transport
    limits, context = transport.limits, transport.ssl_context

    def session() -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=limits.max_connections or 0,
                keepalive_timeout=limits.keepalive_expiry,
                ssl=context,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            middlewares=(_once,),
        )

    transport.client = session  # made at the first request, on the loop that sends it
    return transport


def make_client(source: SourceSettings, headers: Mapping[str, str]) -> Client:
    """A client for one source, with no more connections than it may have.

    Args:
        source: limits and timeouts.
        headers: sent with every request, the key among them.

    Raises:
        SettingsError: the environment names a proxy that cannot be used.
    """
    try:
        context = httpx.create_ssl_context()
    except OSError:
        raise SettingsError(
            "SSL_CERT_FILE or SSL_CERT_DIR in the environment names no readable certificates"
        ) from None
    try:
        return Client(
            headers=headers,
            verify=context,
            limits=httpx.Limits(
                max_connections=source.max_concurrency,
                max_keepalive_connections=source.max_concurrency,
                keepalive_expiry=_KEEP_OPEN,
            ),
            timeout=httpx.Timeout(
                connect=source.connect_timeout,
                read=source.read_timeout,
                write=source.read_timeout,
                pool=source.connect_timeout,
            ),
        )
    except (ValueError, httpx.InvalidURL):
        raise SettingsError(
            "HTTP_PROXY, HTTPS_PROXY or ALL_PROXY in the environment is no proxy we can use"
        ) from None
