"""A GPT's document as it came, byte for byte."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from email.utils import format_datetime
from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.responses import Response

from catalog.times import to_datetime
from catalog.web.api.gpts import Getting
from catalog.web.api.operations import Asked, Operation
from catalog.web.api.serving import Endpoint, is_known

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from catalog.query.raw import Original


def _get(asked: Asked) -> Original:
    q = asked.question
    return asked.reader.original(q.ref, at=q.at, known_at=q.known_at)


ORIGINAL = Operation(
    name="getOriginal",
    group="GPTs",
    path="/api/gpts/{ref}/original",
    summary="The document that decided what a GPT is, as it came, byte for byte.",
    description=(
        "`Last-Modified` says when it was said, `Repr-Digest` (RFC 9530) what it holds. A secret"
        " that a source echoed was replaced before it was kept."
    ),
    question=Getting,
    answer=bytes,
    ask=_get,
)


class OriginalBytes(Endpoint):
    """Serves :data:`ORIGINAL`: as a file, so that nothing in it is shown or run."""

    def __init__(self) -> None:
        super().__init__(ORIGINAL.path, ORIGINAL.question)

    async def answer(self, asked: Asked, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the bytes, or say that they are as they were."""
        found = await asked.reading.ask(lambda _: _get(asked))
        digest = hashlib.sha256(found.payload).digest()
        tag = f'"{digest.hex()[:32]}"'
        headers = {
            "ETag": tag,
            "Cache-Control": "private, no-cache",
            "Last-Modified": format_datetime(to_datetime(found.observed_at), usegmt=True),
            "Repr-Digest": f"sha-256=:{b64encode(digest).decode()}:",
            "Content-Disposition": 'attachment; filename="document.json"',
        }
        if is_known(tag, Headers(scope=scope).get("if-none-match", "")):
            answer = Response(status_code=304, headers=headers)
        elif scope["method"] == "HEAD":
            headers["Content-Length"] = str(len(found.payload))
            answer = Response(headers=headers, media_type="application/octet-stream")
        else:
            answer = Response(found.payload, headers=headers, media_type="application/octet-stream")
        await answer(scope, receive, send)
