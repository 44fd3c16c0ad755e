"""By which names a server is called.

A web page of somebody else's can send a browser to a server under a name of its own, and read what
comes back. So a server answers only who calls it by an address, or by a name that it knows.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Sequence

_HOST = re.compile(r"(?:\[(?P<address>[^\]]*)\]|(?P<name>[^:]*))(?::[0-9]*)?")
"""``Host`` (RFC 9110, 7.2): answers repeat it, so what stands beside the name is looked at, too."""


def is_called_by_name(said: Sequence[str], names: Collection[str]) -> bool:
    """Whether a request calls a server by an address, or by one of its names.

    Args:
        said: the request's ``Host`` headers: one, or it names nothing.
        names: the server's names, casefolded.
    """
    if len(said) != 1:
        return False
    host = _HOST.fullmatch(said[0].strip().casefold())
    if host is None:
        return False
    name = host["address"] or host["name"]
    if name in names:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
