from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from catalog.scheduling import Schedule, latest_slot, next_slot, owed, parse_cron, slots
from catalog.times import DAY, HOUR, MINUTE, SECOND, Micros, from_datetime, from_iso, to_iso

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",  # half an hour
    "Pacific/Apia",  # skipped 2011-12-30
    "Asia/Kathmandu",  # went from +5:30 to +5:45
    "America/Havana",  # repeats the hour before midnight's
    "Africa/Casablanca",  # four a year
)
YEARS = (1985, 2038)


def transitions(name: str) -> list[tuple[datetime, timedelta]]:
    """Each moment at which a zone's offset changes, and by how much."""
    zone, found = ZoneInfo(name), []
    at = datetime(YEARS[0], 1, 1, tzinfo=UTC)
    before = at.astimezone(zone).utcoffset()
    while at.year < YEARS[1]:
        later = at + timedelta(days=1)
        after = later.astimezone(zone).utcoffset()
        if after != before:
            low, high = at, later
            while high - low > timedelta(seconds=1):
                middle = low + (high - low) // 2
                middle = middle.replace(microsecond=0)
                if middle.astimezone(zone).utcoffset() == before:
                    low = middle
                else:
                    high = middle
            assert after is not None
            assert before is not None
            found.append((high, after - before))
        at, before = later, after
    return found


TRANSITIONS = [(name, at, by) for name in ZONES for at, by in transitions(name)]
SKIPS = [each for each in TRANSITIONS if each[2] > timedelta(0)]
REPEATS = [each for each in TRANSITIONS if each[2] < timedelta(0)]


def daily(wall: datetime) -> Schedule:
    return parse_cron(f"{wall.minute} {wall.hour} * * *")


def named(wall: datetime) -> Schedule:
    """The one moment of a wall clock in a year."""
    return parse_cron(f"{wall.minute} {wall.hour} {wall.day} {wall.month} *")


def test_the_zones_have_transitions_of_all_kinds() -> None:
    by_zone = {name: {by for zone, _, by in TRANSITIONS if zone == name} for name in ZONES}
    assert by_zone["UTC"] == set()
    assert timedelta(minutes=30) in by_zone["Australia/Lord_Howe"]
    assert timedelta(days=1) in by_zone["Pacific/Apia"]
    assert by_zone["Asia/Kathmandu"] == {timedelta(minutes=15)}
    assert len(SKIPS) > 150
    assert len(REPEATS) > 150


@pytest.mark.parametrize(("name", "at", "by"), SKIPS)
def test_a_slot_that_the_zone_skips_is_right_after_the_gap_and_once(
    name: str, at: datetime, by: timedelta
) -> None:
    zone = ZoneInfo(name)
    gap = (at - timedelta(seconds=1)).astimezone(zone).replace(tzinfo=None) + timedelta(seconds=1)
    for inside in (gap, gap + by / 2, gap + by - timedelta(minutes=1)):
        wall = inside.replace(second=0)
        moment = from_datetime(at)
        found = list(slots(named(wall), zone, moment - DAY, moment + DAY))
        assert found == [moment], to_iso(moment)
        assert latest_slot(named(wall), zone, moment + HOUR) == moment
        assert owed(daily(wall), zone, moment - 1, moment) == moment


@pytest.mark.parametrize(("name", "at", "by"), REPEATS)
def test_a_slot_that_the_zone_repeats_is_the_first_and_once(
    name: str, at: datetime, by: timedelta
) -> None:
    zone = ZoneInfo(name)
    first = from_datetime(at + by)
    start = (at + by).astimezone(zone).replace(tzinfo=None)
    for minutes in (0, 7, int(-by / timedelta(minutes=1)) - 1):
        wall = start + timedelta(minutes=minutes)
        moment = first + minutes * MINUTE
        found = list(slots(named(wall), zone, moment - DAY, moment + DAY))
        assert found == [moment], to_iso(moment)
        # In the second pass it is over, and is not owed again.
        again = moment - (by // timedelta(microseconds=1))
        assert latest_slot(daily(wall), zone, again) == moment
        assert owed(daily(wall), zone, moment, again) is None


def shown(zone: ZoneInfo, start: datetime, hours: int) -> dict[datetime, Micros]:
    """Each wall-clock minute of a zone with the moment at which it is shown first, by counting.

    One that is skipped has the moment at which the clock goes past it.
    """
    found: dict[datetime, Micros] = {}
    before: datetime | None = None
    for minute in range(hours * 60):
        at = start + timedelta(minutes=minute)
        wall = at.astimezone(zone).replace(tzinfo=None, fold=0)
        while before is not None and wall > before + timedelta(minutes=1):
            before += timedelta(minutes=1)
            found.setdefault(before, from_datetime(at))
        found.setdefault(wall, from_datetime(at))
        before = wall
    return found


fields = st.sampled_from(["*", "*/7", "*/15", "0", "30", "0,20,59", "10-40/10"])
hour_fields = st.sampled_from(["*", "*/2", "1", "2", "0", "23", "0-3", "1,2,3"])


@given(st.sampled_from(TRANSITIONS), fields, hour_fields, st.integers(-30 * 60, 30 * 60))
@example(("Pacific/Apia", datetime(2011, 12, 30, 10, tzinfo=UTC), timedelta(days=1)), "30", "2", 0)
def test_slots_are_those_that_counting_finds(
    where: tuple[str, datetime, timedelta], minute: str, hour: str, shift: int
) -> None:
    name, at, _ = where
    zone = ZoneInfo(name)
    schedule = parse_cron(f"{minute} {hour} * * *")
    begin = at.replace(second=0) - timedelta(hours=48)
    walls = shown(zone, begin, 96)
    moments = {
        moment
        for wall, moment in walls.items()
        if wall.minute in schedule.minutes and wall.hour in schedule.hours
    }
    after = from_datetime(at) + shift * SECOND
    # Walls at the edge were shown before the counting began, or are shown after it ended.
    until = after + 12 * HOUR
    expected = sorted(moment for moment in moments if after < moment <= until)
    assert list(slots(schedule, zone, after, until)) == expected
    assert next_slot(schedule, zone, after) == min(each for each in moments if each > after)
    assert latest_slot(schedule, zone, after) == max(each for each in moments if each <= after)


@given(
    st.sampled_from(TRANSITIONS),
    fields,
    hour_fields,
    st.lists(st.integers(1, 20 * 3600), min_size=1, max_size=60),
)
def test_whoever_looks_takes_each_slot_at_most_once_and_never_leaves_the_latest(
    where: tuple[str, datetime, timedelta], minute: str, hour: str, pauses: list[int]
) -> None:
    name, at, _ = where
    zone, schedule = ZoneInfo(name), parse_cron(f"{minute} {hour} * * *")
    now = last = from_datetime(at) - 2 * DAY
    taken: list[Micros] = []
    for pause in pauses:
        now += pause * SECOND
        slot = owed(schedule, zone, last, now)
        missed = list(slots(schedule, zone, last, now))
        assert slot == (missed[-1] if missed else None)
        if slot is not None:
            taken.append(slot)
            last = slot
        assert owed(schedule, zone, last, now) is None
    assert taken == sorted(set(taken))


@given(st.sampled_from(TRANSITIONS), fields, hour_fields)
def test_nothing_is_lost_while_somebody_looks_every_minute(
    where: tuple[str, datetime, timedelta], minute: str, hour: str
) -> None:
    name, at, _ = where
    zone, schedule = ZoneInfo(name), parse_cron(f"{minute} {hour} * * *")
    start = last = from_datetime(at) - 2 * HOUR
    taken = []
    for step in range(4 * 60):
        slot = owed(schedule, zone, last, start + step * MINUTE + 17 * SECOND)
        if slot is not None:
            taken.append(slot)
            last = slot
    assert taken == list(slots(schedule, zone, start, start + 4 * HOUR - 43 * SECOND))


def test_after_151_days_without_a_run_one_is_owed() -> None:
    schedule, zone = parse_cron("* * * * *"), ZoneInfo("Europe/Berlin")
    last = from_iso("2026-01-01T03:00:00Z")
    now = last + 151 * DAY + 30 * SECOND
    assert owed(schedule, zone, last, now) == last + 151 * DAY
    assert owed(schedule, zone, last + 151 * DAY, now) is None


def test_a_clock_that_was_set_back_owes_nothing_until_it_is_there_again() -> None:
    schedule, zone = parse_cron("0 3 * * *"), ZoneInfo("UTC")
    taken = from_iso("2026-05-02T03:00:00Z")
    for hours in (1, 24, 24 * 400):
        assert owed(schedule, zone, taken, taken - hours * HOUR) is None
    assert owed(schedule, zone, taken, taken + DAY - 1) is None
    assert owed(schedule, zone, taken, taken + DAY) == taken + DAY


def test_a_job_that_nobody_knows_is_owed_nothing() -> None:
    assert owed(parse_cron("* * * * *"), ZoneInfo("UTC"), None, from_iso("2026-05-02T03:00Z")) is (
        None
    )


def days(text: str, month: str = "2026-03") -> list[int]:
    """The days of a month on which a schedule runs."""
    start = from_iso(f"{month}-01T00:00:00Z")
    found = slots(parse_cron(text), ZoneInfo("UTC"), start - 1, start + 31 * DAY - 1)
    return [int(to_iso(slot)[8:10]) for slot in found]


# 2026-03-01 is a Sunday.
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0 0 * * 0", [1, 8, 15, 22, 29]),
        ("0 0 * * 7", [1, 8, 15, 22, 29]),
        ("0 0 * * sun", [1, 8, 15, 22, 29]),
        ("0 0 * * 1", [2, 9, 16, 23, 30]),
        ("0 0 * * MON", [2, 9, 16, 23, 30]),
        ("0 0 * * fri-sun", [1, 6, 7, 8, 13, 14, 15, 20, 21, 22, 27, 28, 29]),
        ("0 0 * * 5-7", [1, 6, 7, 8, 13, 14, 15, 20, 21, 22, 27, 28, 29]),
        ("0 0 * * sun-mon", [1, 2, 8, 9, 15, 16, 22, 23, 29, 30]),
        ("0 0 * * 6,0", [1, 7, 8, 14, 15, 21, 22, 28, 29]),
        ("0 0 13 * *", [13]),
        ("0 0 13 * fri", [6, 13, 20, 27]),  # both restricted: one is enough
        ("0 0 13 * 3", [4, 11, 13, 18, 25]),
        ("0 0 */10 * 0", [1]),  # a star in front restricts nothing: both have to hold
        ("0 0 1-7 * */7", [1]),
        ("0 0 28/2 * *", [28, 30]),
        ("0 0 5 mar *", [5]),
        ("0 0 5 MAR-apr *", [5]),
        ("0 0 5 4 *", []),
    ],
)
def test_days_are_those_of_cron(text: str, expected: list[int]) -> None:
    assert days(text) == expected


def test_leap_days_are_found_however_far() -> None:
    schedule, zone = parse_cron("0 0 29 2 *"), ZoneInfo("UTC")
    assert to_iso(next_slot(schedule, zone, from_iso("2096-03-01T00:00Z"))).startswith("2104-02-29")
    # The star in front makes it "and": a leap day that is a Sunday.
    rare = parse_cron("0 0 29 2 */7")
    assert to_iso(next_slot(rare, zone, from_iso("2026-01-01T00:00Z"))).startswith("2032-02-29")
    assert to_iso(latest_slot(rare, zone, from_iso("2026-01-01T00:00Z"))).startswith("2004-02-29")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0 3 * *", "five"),
        ("", "five"),
        ("60 3 * * *", "minute"),
        ("0 24 * * *", "hour"),
        ("0 3 0 * *", "day"),
        ("0 3 * 13 *", "month"),
        ("0 3 * * 8", "weekday"),
        ("0 3 * * son", "weekday"),
        ("0 3 * mai *", "month"),
        ("0 mon * * *", "hour"),
        ("*/0 3 * * *", "step"),
        ("0 22-2 * * *", "backwards"),
        ("0 3 * * sat-mon", "backwards"),
        ("0 3,, * * *", "hour"),
        ("0 3 30 2 *", "never"),
        ("0 3 31 apr,jun,sep,nov *", "never"),
        ("@daily", "five"),
        ("0 ٣ * * *", "hour"),
    ],
)
def test_what_is_no_cron_line_is_refused_and_said_where(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_cron(text)


def test_a_day_that_never_comes_may_stand_beside_a_weekday() -> None:
    assert days("0 0 30 2 sun", "2026-02")[:4] == [1, 8, 15, 22]


def test_a_line_is_kept_as_it_was_written_but_for_its_blanks() -> None:
    assert parse_cron("  0  3 * *   MON ").text == "0 3 * * MON"
