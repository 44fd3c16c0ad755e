"""What a licence is called where datasets are published. Pure."""

from __future__ import annotations

import re

_SPDX = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]*")
# https://huggingface.co/docs/hub/repositories-licenses: those that are meant for data.
_HUGGING_FACE = {
    "apache-2.0": "apache-2.0",
    "cc-by-2.0": "cc-by-2.0",
    "cc-by-3.0": "cc-by-3.0",
    "cc-by-4.0": "cc-by-4.0",
    "cc-by-nc-4.0": "cc-by-nc-4.0",
    "cc-by-nc-nd-4.0": "cc-by-nc-nd-4.0",
    "cc-by-nc-sa-4.0": "cc-by-nc-sa-4.0",
    "cc-by-nd-4.0": "cc-by-nd-4.0",
    "cc-by-sa-3.0": "cc-by-sa-3.0",
    "cc-by-sa-4.0": "cc-by-sa-4.0",
    "cc0-1.0": "cc0-1.0",
    "cdla-permissive-2.0": "cdla-permissive-2.0",
    "mit": "mit",
    "odbl-1.0": "odbl",
    "odc-by-1.0": "odc-by",
    "pddl-1.0": "pddl",
}


def is_spdx(licence: str) -> bool:
    """Whether a licence is written as an SPDX identifier is."""
    return _SPDX.fullmatch(licence) is not None


def spdx_url(licence: str) -> str | None:
    """Where the text of a licence stands; None: it is no SPDX identifier."""
    return f"https://spdx.org/licenses/{licence}.html" if is_spdx(licence) else None


def hugging_face(licence: str | None) -> dict[str, str]:
    """What the head of a dataset card says of a licence."""
    if licence is None:
        return {"license": "unknown"}
    known = _HUGGING_FACE.get(licence.lower())
    if known is not None:
        return {"license": known}
    link = spdx_url(licence)
    # The rules of the head: another licence has a name, and a link where there is one.
    return {"license": "other", "license_name": re.sub(r"[^a-z0-9]+", "-", licence.lower())} | (
        {} if link is None else {"license_link": link}
    )
