"""What pages remember of a catalog, and what they say of it while it is counted again."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from catalog.errors import NotFound
from catalog.storage.engine import open_engine, write
from catalog.storage.frontier import add_ids
from catalog.web.reading import FRESH, STALE, Asking, Reading, Told
from tests.contract.reading import fill, simulated
from tests.databases import NOW
from tests.serving import options, served

if TYPE_CHECKING:
    from catalog.query.reader import Reader

PATIENT = 30.0
_NUMBERS = itertools.count()


class _World:
    """A catalog that pages read, which others write to, and time that passes as a test says.

    Args:
        url: the catalog.
        patience: of its pages.
    """

    def __init__(self, url: str, patience: float = PATIENT) -> None:
        self.passed = 0.0
        self._url = url
        self.reading = Reading(options(url, patience=patience), age=lambda: self.passed)
        self.times = 0

    def write(self) -> None:
        """The catalog is in another state."""
        engine = open_engine(self._url)
        with write(engine) as conn:
            add_ids(conn, [f"g-Written{next(_NUMBERS):02}"], NOW)
        engine.dispose()

    def count(self, _: Reader) -> int:
        """A question of which each answer is another."""
        self.times += 1
        return self.times

    def run(self, story: Callable[[], Any]) -> Any:
        """What happens on one loop."""
        try:
            return asyncio.run(story())
        finally:
            self.reading.close()


async def _settled() -> None:
    """Whatever is being found has been found."""
    await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()})


def test_an_answer_serves_as_long_as_the_catalog_stays_as_it_was(catalog_url: str) -> None:
    world = _World(catalog_url)
    asking = Asking("a", world.count)

    async def story() -> None:
        for world.passed in (0.0, FRESH + 1, STALE + 1):
            assert await world.reading.soon(asking) == Told(1)
            assert await world.reading.remember(*asking) == 1

    world.run(story)


def test_an_answer_of_before_says_how_old_it_is(catalog_url: str) -> None:
    world = _World(catalog_url)
    asking = Asking("a", world.count)

    async def story() -> None:
        assert await world.reading.soon(asking) == Told(1)
        world.write()
        assert await world.reading.soon(asking) == Told(1)
        world.passed = FRESH + 1
        assert await world.reading.soon(asking) == Told(1, age=FRESH + 1)
        await _settled()
        assert await world.reading.soon(asking) == Told(2)

    world.run(story)


def test_an_old_answer_is_told_only_where_patience_ends(catalog_url: str) -> None:
    patient, hasty = _World(catalog_url), _World(catalog_url, patience=0.0)
    for world, told in ((patient, Told(2)), (hasty, Told(1, age=STALE + 1))):

        async def story(world: _World = world, told: Told[int] = told) -> None:
            asking = Asking("a", world.count)
            assert await world.reading.remember(*asking) == 1
            world.write()
            world.passed = STALE + 1
            assert await world.reading.soon(asking) == told
            await _settled()
            assert await world.reading.soon(asking) == Told(2)

        world.run(story)


def test_what_takes_longer_than_a_page_waits_is_told_later(catalog_url: str) -> None:
    world = _World(catalog_url, patience=0.01)
    go_on = threading.Event()

    def slow(reader: Reader) -> int:
        go_on.wait(PATIENT)
        return world.count(reader)

    async def story() -> None:
        asking = Asking("a", slow)
        first = await world.reading.soon(asking)
        second = await world.reading.soon(asking)
        assert first == second == Told(None, is_known=False)
        go_on.set()
        # Those who wait for the same wait together, and it is found once.
        assert await world.reading.remember(*asking) == 1
        assert await world.reading.soon(asking) == Told(1)

    world.run(story)


def test_what_was_found_before_anybody_asked_is_there(catalog_url: str) -> None:
    world = _World(catalog_url)

    def fails(_: Reader) -> int:
        raise NotFound("none")

    async def story() -> None:
        await world.reading.warm([Asking("a", fails), Asking("b", world.count)])
        assert world.times == 1
        assert await world.reading.soon(Asking("b", world.count)) == Told(1)
        with pytest.raises(NotFound):
            await world.reading.soon(Asking("a", fails))

    world.run(story)


COUNTED = ("/", "/gpts", "/changes", "/trends", "/runs")


@pytest.fixture
def filled(catalog_url: str) -> str:
    fill(catalog_url, simulated(6, 2))
    return catalog_url


@pytest.mark.parametrize("path", COUNTED)
def test_a_page_that_is_still_counted_says_so_and_shows_the_rest(filled: str, path: str) -> None:
    with served(options(filled, patience=0.0)) as home:
        found = httpx.get(home + path)
        assert found.status_code == httpx.codes.OK
        assert "data-counting" in found.text
        assert "<h1" in found.text
    with served(options(filled, is_warmed=True)) as home:
        assert "data-counting" not in httpx.get(home + path, timeout=PATIENT).text
