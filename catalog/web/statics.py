"""The files that never change under their address: style, scripts, pictures."""

from __future__ import annotations

import mimetypes
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from catalog.web.rendering import edition, static_files

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.routing import BaseRoute

_FOREVER = "public, max-age=31536000, immutable"
_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


def routes() -> list[BaseRoute]:
    """Their route. The address holds their digest: a new program has new addresses."""
    return [Route("/static/{edition}/{name}", _send)]


async def _send(request: Request) -> Response:
    name = request.path_params["name"]
    body = static_files().get(name)
    # An address of another program's files would be remembered for a year as one of these.
    if body is None or request.path_params["edition"] != edition():
        raise HTTPException(404)
    suffix = f".{name.rpartition('.')[2]}"
    media = _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    tag = f'"{edition()}"'
    headers = {"Cache-Control": _FOREVER, "ETag": tag}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=media, headers=headers)
