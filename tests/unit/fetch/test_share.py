"""An asker sends within its share of a source's rate, and nothing without one."""

from __future__ import annotations

import asyncio

import pytest

from catalog.errors import CatalogBusy
from catalog.fetch.limits import Pace, Share
from tests.unit.fetch.asking import get, make_fetcher, make_source, read
from tests.unit.fetch.loopback import Loopback, VirtualTimer, document

LASTS = 5.0


def test_without_others_nobody_is_asked() -> None:
    share = Share(None, Pace(8.0), VirtualTimer(), lambda: None)
    asyncio.run(share.hold())
    assert share.holds()


def test_share_is_taken_before_anything_is_sent_and_the_pace_goes_by_it() -> None:
    pace = Pace(8.0)
    moved: list[bool] = []

    async def take() -> tuple[float, float]:
        return 2.0, LASTS

    async def main() -> None:
        timer = VirtualTimer()
        share = Share(take, pace, timer, lambda: moved.append(True))
        assert not share.holds()
        await share.hold()
        assert share.holds()
        timer.now += LASTS
        assert not share.holds()

    asyncio.run(main())
    assert (pace.full_rate, pace.rate, moved) == (2.0, 2.0, [True])


def test_who_got_nothing_asks_again_until_there_is_something() -> None:
    grants = [0.0, 0.0, 4.0]

    async def take() -> tuple[float, float]:
        return grants.pop(0), LASTS

    async def main() -> float:
        timer = VirtualTimer()
        share = Share(take, Pace(8.0), timer, lambda: None)
        await share.hold()
        return timer.now

    assert asyncio.run(main()) == pytest.approx(1002.0)
    assert not grants


def test_share_is_renewed_beside_what_is_sent() -> None:
    taken: list[float] = []

    async def main() -> None:
        timer = VirtualTimer()

        async def take() -> tuple[float, float]:
            taken.append(timer.now)
            return 4.0, LASTS

        share = Share(take, Pace(8.0), timer, lambda: None)
        await share.hold()
        timer.now += 2.0
        await share.hold()
        await share.close()

    asyncio.run(main())
    assert taken == [1000.0, 1002.0]


def test_catalog_that_fails_stops_only_who_has_no_share() -> None:
    fails = [False, True, True]

    async def take() -> tuple[float, float]:
        if fails.pop(0):
            raise CatalogBusy("locked")
        return 4.0, LASTS

    async def main() -> None:
        timer = VirtualTimer()
        share = Share(take, Pace(8.0), timer, lambda: None)
        await share.hold()
        timer.now += 2.0
        await share.hold()
        await share.close()
        timer.now += LASTS
        with pytest.raises(CatalogBusy):
            await share.hold()

    asyncio.run(main())


def test_another_rate_voids_moments_and_keeps_what_throttling_left() -> None:
    pace = Pace(8.0)
    pace.pause(0.0, 1.0)
    pace.change(2.0, 2.0)
    assert (pace.full_rate, pace.rate, pace.pauses) == (2.0, 1.0, 2)
    assert pace.slot(2.0) == 3.0


@pytest.mark.parametrize("rate", [0.1, 0.19, 1.0])
def test_source_that_is_slower_than_a_share_lasts_is_asked_at_its_rate(rate: float) -> None:
    """A moment that lies beyond the end of a share is kept over its renewal."""

    async def take() -> tuple[float, float]:
        return rate, LASTS

    async def main() -> float:
        timer = VirtualTimer()
        async with (
            Loopback(document()) as server,
            make_fetcher(
                make_source(server.url, requests_per_second=rate), timer=timer, share=take
            ) as fetcher,
        ):
            for _ in range(5):
                await fetcher.ask(get(server.url), read)
            assert len(server.seen) == 5
            return timer.now

    assert asyncio.run(main()) == pytest.approx(1000 + 4 / rate, abs=1)
