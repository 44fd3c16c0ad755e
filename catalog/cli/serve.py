"""``serve``: the local web pages and JSON API."""

from __future__ import annotations

import ipaddress
import os
import socket
from typing import TYPE_CHECKING, Annotated

import typer

from catalog.cli.context import start
from catalog.cli.interrupts import signals_ignored
from catalog.cli.options import CatalogOption, ConfigOption, JsonOption
from catalog.cli.text import harmless
from catalog.errors import SettingsError, UsageError
from catalog.storage.urls import describe, parse_url

if TYPE_CHECKING:
    from collections.abc import Mapping

HOST, PORT = "127.0.0.1", 8000
TOKEN_LENGTH = 16
"""Characters of a token, at least: a shorter one can be guessed."""
_LAST_PORT = 65_535


def serve(
    ctx: typer.Context,
    host: Annotated[
        str, typer.Option("--host", metavar="H", help="Listen on this address.")
    ] = HOST,
    port: Annotated[
        int,
        typer.Option("--port", metavar="P", min=0, max=_LAST_PORT, help="And port; 0: a free one."),
    ] = PORT,
    token_env: Annotated[
        str | None,
        typer.Option(
            "--token-env",
            metavar="VARIABLE",
            help="The environment variable that holds the token which callers have to show; needed"
            " beyond loopback.",
        ),
    ] = None,
    name: Annotated[
        list[str] | None,
        typer.Option(
            "--name",
            metavar="NAME",
            help="Answer to this name, too; repeatable. Else to addresses.",
        ),
    ] = None,
    catalog: CatalogOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the catalog in a browser: pages and a JSON API, read-only, with no network.

    It listens on loopback, where only this machine reaches it, until Ctrl-C. Beyond it a token is
    needed, and what is sent is not encrypted: put a proxy with TLS before it.
    """
    app = start(ctx, catalog, config, as_json=as_json)
    token = _token(token_env, app.environ)
    beyond = not _is_loopback(host)
    if beyond and token is None:
        raise UsageError(
            f"--host {host} lets other machines in: name the environment variable that holds a"
            " token with --token-env, or leave --host out"
        )
    try:
        import uvicorn

        from catalog.web.app import make_app
        from catalog.web.options import LONGEST_HEAD, WebOptions
    except ImportError as error:
        raise SettingsError(
            f"the web pages need {error.name}, which is not installed:"
            " pip install 'gpts-catalog[web]'"
        ) from None
    from catalog.cli.jobs import planned_jobs

    with _listening(host, port) as listener:
        at = listener.getsockname()[1]
        served = make_app(
            WebOptions(
                settings=app.settings,
                clock=app.clock,
                token=token,
                hosts=frozenset({host, *(name or ())}),
                jobs=tuple(planned_jobs(app).values()),
                is_warmed=True,
            )
        )
        shown = f"[{host}]" if ":" in host else host
        url = f"http://{shown}:{at}/"
        where = describe(parse_url(app.settings.catalog.url))
        app.out.line(f"serving {harmless(where)} at {url} until Ctrl-C")
        app.out.json({"url": url})
        app.out.flush()
        if beyond:
            app.out.note(
                "other machines can reach this, and what is sent is not encrypted: whoever has the"
                f" token may read everything. Open {url}?token=… with it once"
            )
        server = uvicorn.Server(
            uvicorn.Config(
                served,
                log_level="warning",
                access_log=False,
                server_header=False,
                lifespan="on",
                h11_max_incomplete_event_size=LONGEST_HEAD,
                # A proxy's word on who called is nothing that is gone by.
                proxy_headers=False,
                timeout_graceful_shutdown=2,
            )
        )
        # Told to end it does so, and then sends itself the signal once more.
        with signals_ignored():
            server.run(sockets=[listener])


def _token(variable: str | None, environ: Mapping[str, str]) -> str | None:
    """The token that is meant; never shown.

    Raises:
        SettingsError: there is none, or one that can be guessed.
    """
    if variable is None:
        return None
    token = environ.get(variable, "").strip()
    if len(token) < TOKEN_LENGTH:
        raise SettingsError(
            f"--token-env {variable}: the variable holds"
            f" {'no token' if not token else 'a token that can be guessed'}; set it to"
            f" {TOKEN_LENGTH} characters or more, as openssl rand -hex 16 makes them"
        )
    return token


def _is_loopback(host: str) -> bool:
    if host.casefold() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _listening(host: str, port: int) -> socket.socket:
    """A socket that listens: bound before anything is printed, so that the address is true.

    Raises:
        UsageError: it cannot listen there.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        # Named, since asyncio sends without delay on what says that it is TCP: else a browser waits
        # 40 ms for the second half of each answer.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            if os.name == "posix":
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
            listener.listen()
        except BaseException:
            listener.close()
            raise
    except OSError as error:
        raise UsageError(
            f"cannot listen on {host} port {port}: {error.strerror or error};"
            " name another with --host and --port"
        ) from None
    return listener
