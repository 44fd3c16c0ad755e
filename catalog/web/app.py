"""The application: pages, API, static files, and what keeps them safe."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from catalog.errors import CatalogError
from catalog.web import api, failing, statics
from catalog.web.pages import routes
from catalog.web.reading import Reading
from catalog.web.safety import Safety

if TYPE_CHECKING:
    from catalog.web.options import WebOptions


def make_app(options: WebOptions) -> Starlette:
    """An ASGI application that shows one catalog and changes nothing.

    Handlers find ``request.app.state.reading``, a :class:`catalog.web.reading.Reading`.

    Args:
        options: what is served, and to whom.

    Raises:
        StorageError: there is no such catalog, or it is of another schema.
    """
    reading = Reading(options)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        questions = routes.counted_first(options) if options.is_warmed else ()
        warming = asyncio.create_task(reading.warm(questions))
        yield
        warming.cancel()
        reading.close()

    app = Starlette(
        routes=[*routes.pages(), *api.routes(), *statics.routes()],
        middleware=[Middleware(Safety, options=options)],
        exception_handlers={
            CatalogError: failing.show_error,
            HTTPException: failing.show_status,
            Exception: failing.show_fault,
        },
        lifespan=lifespan,
    )
    app.state.reading = reading
    return app
