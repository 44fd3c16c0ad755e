"""What ``tests/conftest.py`` promises."""

from __future__ import annotations

import os
import socket

import pytest


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1"])
def test_address_beyond_loopback_is_refused(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with (
        socket.socket(family, socket.SOCK_DGRAM) as sender,
        pytest.raises(RuntimeError, match="loopback"),
    ):
        sender.sendto(b"x", (host, 9))


def test_name_is_not_looked_up() -> None:
    with pytest.raises(RuntimeError, match=r"gateway\.example"):
        socket.getaddrinfo("gateway.example", 443)


def test_loopback_is_allowed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=5).close()


def test_environment_holds_no_setting_of_ours() -> None:
    assert [name for name in os.environ if name.startswith("GPTS_CATALOG_")] == []
