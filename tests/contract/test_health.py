"""Looking, writing down, telling, and serving: over both engines and loopback."""

from __future__ import annotations

import http.client
import json
import random
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from catalog.errors import UsageError
from catalog.health import Address, Looks, Watch, listen_address, look, serve_health
from catalog.notify import webhook as webhooks
from catalog.settings import CatalogSettings, NotifySettings, Settings, SourceSettings
from catalog.storage import alarms as store
from catalog.storage import frontier
from catalog.storage.engine import open_engine, read, write
from catalog.times import DAY, HOUR, FixedClock
from tests.contract.telling import day
from tests.unit.notify.hooks import Hook, running_hook

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from catalog.storage.alarms import Standing

TOKEN = "token-0123456789"


class Place:
    """A catalog in which ids are due from the first day on, and a service that is told."""

    def __init__(self, url: str, folder: Path, hook: Hook) -> None:
        self.clock = FixedClock(day(1))
        self.hook = hook
        self.lines: list[str] = []
        self.settings = Settings(
            catalog=CatalogSettings(url=url, folder=str(folder)),
            sources={"one": SourceSettings(name="one", dialect="gpts-v2")},
            notify=NotifySettings(webhook_env="HOOK"),
        )
        self.url = url
        with self.engine() as engine, write(engine) as conn:
            frontier.add_ids(conn, ["g-Made00000"], day(1))

    @contextmanager
    def engine(self) -> Iterator[Any]:
        engine = open_engine(self.url)
        try:
            yield engine
        finally:
            engine.dispose()

    def watch(self) -> Watch:
        return Watch(
            settings=self.settings,
            environ={"HOOK": f"{self.hook.url}/{TOKEN}"},
            clock=self.clock,
            rng=random.Random(1),
            out=self.lines.append,
        )

    def standing(self) -> list[Standing]:
        with self.engine() as engine, read(engine) as conn:
            return store.standing(conn)

    def ask(self) -> None:
        """What was due is not any more."""
        with self.engine() as engine, write(engine) as conn:
            lease = frontier.Lease(owner="host:1:2.0", until=self.clock.now() + HOUR)
            frontier.claim(conn, lease, ids=None, limit=9, now=self.clock.now())
            at = self.clock.now()
            move = frontier.Move(
                gizmo_id="g-Made00000", at=at, verdict="document", attempts=0, due_at=at + 99 * DAY
            )
            frontier.release(conn, lease.owner, [move])


@pytest.fixture
def place(catalog_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    quick = msgspec.structs.replace(webhooks.HOOK, backoff_base=0.001, backoff_max=0.001)
    monkeypatch.setattr(webhooks, "HOOK", quick)
    with running_hook() as hook:
        yield Place(catalog_url, tmp_path, hook)


def test_people_are_told_once_when_it_is_raised_and_once_when_it_is_over(place: Place) -> None:
    watch = place.watch()
    assert watch.check().is_well
    place.clock.at = day(4)
    assert not watch.check().is_well
    place.clock.at += HOUR
    watch.check()
    place.ask()
    place.clock.at += HOUR
    assert watch.check().is_well
    watch.check()
    raised, over = place.hook.came
    assert raised["title"].endswith(": 1 alarm")
    assert "nothing was harvested" in raised["text"]
    assert over["title"].endswith(": 1 over")
    assert [(each.kind, each.cleared_at) for each in place.standing()] == []
    assert [line.split(":")[0] for line in place.lines] == ["alarm quiet", "over"]


def test_a_service_that_fails_is_an_alarm_and_is_told_when_it_works_again(place: Place) -> None:
    watch = place.watch()
    place.clock.at = day(4)
    place.hook.answers = [403]
    watch.check()
    assert [(each.kind, each.subject) for each in place.standing()] == [
        ("notification", "webhook"),
        ("quiet", ""),
    ]
    place.clock.at += HOUR
    watch.check()
    assert [each.kind for each in place.standing()] == ["quiet"]
    assert len(place.hook.came) == 2
    assert "nothing was harvested" in place.hook.came[1]["text"]
    watch.check()
    assert len(place.hook.came) == 2
    assert not any(TOKEN in line for line in place.lines)


def test_a_failing_service_is_seen_by_who_looks(place: Place) -> None:
    watch = place.watch()
    place.clock.at = day(4)
    place.hook.answers = [403]
    watch.check()
    with place.engine() as engine:
        found = look(engine, place.settings, place.clock.now())
    assert [each.kind for each in found.alarms] == ["quiet", "notification"]
    assert found.since["quiet", ""] == day(4)


def test_where_nobody_is_to_be_told_alarms_are_written_all_the_same(place: Place) -> None:
    place.settings = msgspec.structs.replace(place.settings, notify=NotifySettings())
    place.clock.at = day(4)
    place.watch().check()
    (row,) = place.standing()
    assert (row.kind, row.notified_at) == ("quiet", None)


def test_looking_now_and_then_goes_on_after_a_failure(place: Place) -> None:
    told = threading.Semaphore(0)

    class Broken:
        def now(self) -> int:
            told.release()
            raise ValueError("no clock")

    watch = Watch(
        settings=place.settings,
        environ={},
        clock=Broken(),
        rng=random.Random(1),
        out=place.lines.append,
    )
    with watch.now_and_then(0.001):
        assert told.acquire(timeout=20)
        assert told.acquire(timeout=20)
    assert "will look again: no clock" in place.lines[0]


@contextmanager
def serving(place: Place, **more: Any) -> Iterator[Address]:
    looks = Looks(place.settings, place.clock, **more)
    with serve_health(Address("127.0.0.1", 0), looks) as address:
        yield address


def get(address: Address, path: str, method: str = "GET", **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(address.host, address.port, timeout=20)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body


def test_healthz_is_200_while_well_and_503_on_an_alarm(place: Place) -> None:
    with serving(place, good_for=0) as address:
        status, body = get(address, "/healthz")
        assert (status, json.loads(body)["status"]) == (200, "well")
        place.clock.at = day(4)
        status, body = get(address, "/healthz?probe=1")
    found = json.loads(body)
    assert (status, found["status"], found["line"]) == (503, "alarm", "1 ALARM: quiet")
    assert [each["kind"] for each in found["alarms"]] == ["quiet"]


def test_metrics_are_served_and_a_look_serves_many(place: Place) -> None:
    timer = iter([0.0, 9.9, 10.0])
    with serving(place, timer=lambda: next(timer)) as address:
        first = get(address, "/metrics")
        place.clock.at = day(4)
        assert get(address, "/metrics") == first
        status, body = get(address, "/metrics")
    assert (status, first[0]) == (200, 200)
    assert b"gpts_catalog_well 1.0" in first[1]
    assert b"gpts_catalog_well 0.0" in body


def test_nothing_else_is_served_and_to_no_other_name(place: Place) -> None:
    with serving(place) as address:
        assert get(address, "/")[0] == 404
        assert get(address, "/metrics/../healthz/x")[0] == 404
        assert get(address, "/metrics", "POST")[0] == 501
        assert get(address, "/metrics", "HEAD") == (200, b"")
        for host in ("evil.example", "evil.example:9877", "", "127.0.0.1.evil.example"):
            assert get(address, "/metrics", Host=host)[0] == 421, host
        for host in ("localhost", "LOCALHOST:1", "127.0.0.1:9877", "[::1]:9877", "10.1.2.3"):
            assert get(address, "/metrics", Host=host)[0] == 200, host


def test_a_catalog_that_cannot_be_read_is_503(place: Place) -> None:
    place.settings = msgspec.structs.replace(
        place.settings, catalog=CatalogSettings(url="sqlite:///nowhere/at/all.db")
    )
    with serving(place) as address:
        for path in ("/healthz", "/metrics"):
            status, body = get(address, path)
            assert (status, json.loads(body)["status"]) == (503, "unreadable")


def test_a_port_that_is_taken_is_a_usage_error(place: Place) -> None:
    with serving(place) as address:
        looks = Looks(place.settings, place.clock)
        with pytest.raises(UsageError, match="cannot listen"), serve_health(address, looks):
            raise AssertionError


def test_listen_address_reads_what_people_write() -> None:
    assert listen_address("127.0.0.1:9877") == Address("127.0.0.1", 9877)
    assert listen_address("[::1]:0") == Address("::1", 0)
    assert listen_address("localhost:80") == Address("localhost", 80)
    for text in ("", "9877", ":9877", "host:", "host:x", "host:70000", "::1:80", "host:-1"):
        with pytest.raises(UsageError, match="HOST:PORT"):
            listen_address(text)
