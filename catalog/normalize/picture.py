"""The picture: ``profile_pic_id``, else the file's id in the URL, else a stable path.

Hosts, forms and signatures of the URL change without the picture changing; gateways re-host
copies under names of their own, and these say nothing (design, section 5).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from catalog.normalize.values import UNREADABLE, Unreadable

OPENAI_HOSTS = ("oaiusercontent.com", "openai.com", "chatgpt.com")
"""Hosts whose paths are the picture's own; their subdomains too."""

_URL = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?:[^/?#@]*@)?(?P<host>[^/?#:]*)[^/?#]*"
    r"(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?",
    re.IGNORECASE | re.ASCII,
)
_FILE = re.compile(r"(?<![A-Za-z0-9])file[-_][A-Za-z0-9]{16,64}(?![A-Za-z0-9])")
# Not anywhere in the query: it also carries the name of the uploaded file, which anyone may choose.
_QUERY_FILE = re.compile(r"(?:^|&)(?:id|file_id)=(file[-_][A-Za-z0-9]{16,64})(?=&|$)")


def read_picture(scalars: Mapping[str, Any]) -> str | Unreadable | None:
    """The picture that the columns of a document state.

    Args:
        scalars: with ``profile_pic_id`` and ``profile_picture_url`` where they are stated.

    Returns:
        None for "it has none", UNREADABLE where nothing is said.
    """
    if identifier := scalars.get("profile_pic_id"):
        return str(identifier)
    if url := scalars.get("profile_picture_url"):
        return _of_url(url)
    if "profile_pic_id" in scalars or "profile_picture_url" in scalars:
        return None
    return UNREADABLE


def _of_url(url: str) -> str | Unreadable:
    match = _URL.match(url)
    if match is None:
        return UNREADABLE
    file = _FILE.search(match["path"]) or _QUERY_FILE.search(match["query"] or "")
    if file:
        return file[file.re.groups]
    if _is_openai(match["host"].lower()) and match["path"].strip("/"):
        return match["path"]
    return UNREADABLE


def _is_openai(host: str) -> bool:
    return any(host == known or host.endswith(f".{known}") for known in OPENAI_HOSTS)
