from __future__ import annotations

import inspect
import ssl

import aiohttp
import httpx
import pytest

from catalog.errors import FetchError, FetchTerminal, FetchTransient
from catalog.fetch.transport import NETWORK_ERRORS, explain

SECRET = "proxy-password-1234"


def of_module(module: object) -> list[type[Exception]]:
    return [
        member
        for _, member in inspect.getmembers(module, inspect.isclass)
        if issubclass(member, Exception) and not issubclass(member, Warning)
    ]


def made(error: type[Exception]) -> Exception:
    """An error of that class, whatever its constructor wants, with a secret in its text."""
    one = error.__new__(error)
    one.args = (SECRET,)
    return one


@pytest.mark.parametrize("error", of_module(httpx), ids=lambda each: each.__name__)
def test_every_httpx_error_is_one_of_ours(error: type[Exception]) -> None:
    assert issubclass(error, NETWORK_ERRORS)
    ours = explain(made(error))
    assert isinstance(ours, FetchTransient | FetchTerminal)
    assert str(ours)
    assert SECRET not in str(ours)


@pytest.mark.parametrize(
    "error",
    [each for each in of_module(aiohttp) if issubclass(each, aiohttp.ClientError | OSError)],
    ids=lambda each: each.__name__,
)
def test_every_client_error_of_aiohttp_is_one_of_ours(error: type[Exception]) -> None:
    assert issubclass(error, NETWORK_ERRORS)
    ours = explain(made(error))
    assert isinstance(ours, FetchTransient | FetchTerminal)
    assert SECRET not in str(ours)


def test_httpx_has_errors_at_all() -> None:
    assert len(of_module(httpx)) > 25


@pytest.mark.parametrize(
    ("error", "cause", "kind", "words"),
    [
        (httpx.ReadTimeout("x"), None, FetchTransient, "nothing arrived within read_timeout"),
        # httpx-aiohttp calls a cut connection a ConnectTimeout; the cause knows better.
        (
            httpx.ConnectTimeout("x"),
            aiohttp.ServerDisconnectedError(),
            FetchTransient,
            "the connection was cut",
        ),
        (
            httpx.ConnectError("x"),
            ConnectionResetError(104, "said by the system"),
            FetchTransient,
            "no connection (Connection reset by peer)",
        ),
        (
            httpx.ConnectError("x"),
            ssl.SSLCertVerificationError(),
            FetchTerminal,
            "its certificate is not trusted",
        ),
        (httpx.DecodingError("x"), FetchTerminal("ours"), FetchTerminal, "ours"),
        (TimeoutError(), None, FetchTransient, "no whole answer within total_timeout"),
        (OSError(), None, FetchTransient, "no connection"),
    ],
)
def test_meaning_is_that_of_the_exact_cause(
    error: Exception, cause: Exception | None, kind: type[FetchError], words: str
) -> None:
    if isinstance(cause, ssl.SSLCertVerificationError):
        cause.verify_message = "self-signed certificate"
    error.__cause__ = cause
    ours = explain(error)
    assert type(ours) is kind
    assert str(ours).startswith(words)
