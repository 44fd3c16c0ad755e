"""By which names a server is called."""

from __future__ import annotations

import pytest

from catalog.hosts import is_called_by_name

NAMES = frozenset({"localhost", "catalog.example"})


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:8000",
        "catalog.example",
        " catalog.example:80 ",
        "127.0.0.1",
        "192.0.2.7:8000",
        "[::1]",
        "[::1]:8000",
    ],
)
def test_addresses_and_known_names_call_a_server(host: str) -> None:
    assert is_called_by_name([host], NAMES)


@pytest.mark.parametrize(
    "said",
    [
        [],
        [""],
        ["localhost", "localhost"],
        ["evil.example"],
        ["localhost.evil.example"],
        ["127.0.0.1.evil.example"],
        ["[::1]evil.example"],
        ["[evil.example]"],
        ["localhost:80/evil"],
        ["localhost:80@evil.example"],
        ["localhost evil.example"],
    ],
)
def test_nothing_else_does(said: list[str]) -> None:
    assert not is_called_by_name(said, NAMES)
