"""``schedule`` and ``jobs``: what runs by itself, when, and one of it now."""

from __future__ import annotations

import heapq
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, NoReturn
from zoneinfo import ZoneInfo

import msgspec
import typer

from catalog.cli.context import App, start
from catalog.cli.job_lines import last_words, ran_json, run_json, scheduler_words
from catalog.cli.job_options import read_option
from catalog.cli.options import CatalogOption, ConfigOption, JsonOption, read_moment
from catalog.cli.table import Column, print_table
from catalog.cli.text import harmless, iso, moment, number
from catalog.cli.watching import make_watch, serve
from catalog.errors import UsageError
from catalog.scheduling import next_slot, slots
from catalog.settings.wording import nearest
from catalog.storage import jobs as store
from catalog.storage.engine import read
from catalog.storage.owners import in_words
from catalog.times import Micros
from catalog.working import JobRan

if TYPE_CHECKING:
    from catalog.health import Watch
    from jobs.declare import Planned
    from jobs.foreground import Signals
    from jobs.records import Busy
    from jobs.runner import Runner

DONE, SOME_FAILED, REFUSED = 0, 1, 3
STOP_WITHIN = 60.0
"""Seconds that running jobs have to end in good order."""
LOOK_EVERY = 30.0
"""Seconds between two looks at what is owed, at most."""

StopWithinOption = Annotated[
    float,
    typer.Option(
        min=0.0,
        max=86_400.0,
        metavar="SECONDS",
        help="After SIGTERM or Ctrl-C, running jobs have so long to end in good order.",
    ),
]

app = typer.Typer(help="What runs by itself.", no_args_is_help=True, rich_markup_mode=None)


def schedule(
    ctx: typer.Context,
    once: Annotated[
        bool, typer.Option("--once", help="Run what is owed now, one after the other, and end.")
    ] = False,
    stop_within: StopWithinOption = STOP_WITHIN,
    look_every: Annotated[
        float,
        typer.Option(
            min=0.1,
            max=3600.0,
            metavar="SECONDS",
            help="Look at least so often what is owed: a clock that was set is noticed then.",
        ),
    ] = LOOK_EVERY,
    listen: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT",
            help="Serve /metrics for Prometheus and /healthz for monitors there,"
            " as 127.0.0.1:9877.",
        ),
    ] = None,
    catalog: CatalogOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> int:
    """Run the jobs when they are due, in the foreground, until told to stop.

    After missed runs each job catches up once. Several schedulers may share a catalog: a job is run
    by one of them. SIGTERM or Ctrl-C stops in good order, a second one at once.
    """
    from jobs.daemon import Daemon
    from jobs.foreground import Signals

    command = start(ctx, catalog, config, as_json=as_json)
    signals, watch = Signals(), make_watch(command, planned_jobs(command))
    with ExitStack() as stack:
        stack.enter_context(signals.caught())
        runner = stack.enter_context(_runner(command, watch))
        if once:
            return _once(command, runner, signals, stop_within)
        serve(command, stack, watch, listen)
        daemon = Daemon(
            runner,
            look=look_every,
            ran=lambda ran: _print_json(command, ran),
            moved=signals.moved,
        )
        _announce(command, runner)
        daemon.start()
        while (word := signals.wait(look_every, lambda: False)) is None:
            daemon.mend()
        daemon.stop()
        _stopping(command, runner, word)
        signals.wait(stop_within, daemon.is_idle)
        if not daemon.is_idle():
            _leave(command, runner)
    command.out.note("the scheduler has ended")
    return DONE


@app.command("list")
def list_(
    ctx: typer.Context,
    catalog: CatalogOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the jobs: when they run next, how they ended last."""
    command = start(ctx, catalog, config, as_json=as_json)
    planned = planned_jobs(command)
    with command.catalog() as engine, read(engine) as conn:
        states, latest = store.states(conn), store.last(conn)
        scheduler = store.scheduler(conn)
    now, zone = command.clock.now(), _zone(command)
    rows = []
    for each in planned.values():
        run, state = latest.get(each.name), states.get(each.name)
        following = None if each.schedule is None else next_slot(each.schedule, zone, now)
        rows.append(
            (
                each.name,
                each.schedule.text if each.schedule else "off",
                moment(following),
                last_words(run),
                ", ".join(_expected(each)),
                each.job.what,
            )
        )
        command.out.json(
            {
                "job": each.name,
                "what": each.job.what,
                "schedule": each.schedule.text if each.schedule else None,
                "timezone": command.settings.catalog.timezone,
                "next_at": iso(following),
                "running": bool(state and state.owner),
                "expects": list(_expected(each)),
                "last": None if run is None else run_json(run),
            }
        )
    print_table(
        command.out,
        [
            "job",
            Column("schedule"),
            Column("next (UTC)", least=20),
            Column("last", least=20),
            Column("expects", drop=1),
            Column("what", drop=2),
        ],
        rows,
    )
    command.out.line()
    command.out.line(scheduler_words(scheduler, now))


@app.command("next")
def next_(
    ctx: typer.Context,
    until: Annotated[
        str | None,
        typer.Option(
            "--until",
            metavar="T",
            help="All until then: a time, or a date for the end of its day (UTC)."
            " Else the next of each job.",
        ),
    ] = None,
    catalog: CatalogOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say which jobs run next, in the order of time."""
    command = start(ctx, catalog, config, as_json=as_json)
    end = read_moment(until, "--until", end_of_day=True)
    now, zone = command.clock.now(), _zone(command)
    coming: list[Iterator[tuple[Micros, str]]] = []
    for each in planned_jobs(command).values():
        if each.schedule is None:
            continue
        if end is None:
            coming.append(iter([(next_slot(each.schedule, zone, now), each.name)]))
        else:
            coming.append(_named(each.name, slots(each.schedule, zone, now, end)))
    none = True
    for at, name in heapq.merge(*coming):
        none = False
        command.out.line(f"{moment(at)}  {name}")
        command.out.json({"at": iso(at), "job": name})
    if none:
        command.out.note("nothing is scheduled" + (" until then" if end is not None else ""))


@app.command("run")
def run_(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="As jobs list names it.")],
    if_owed: Annotated[
        bool,
        typer.Option(
            "--if-owed",
            help="Only if its schedule owes a run, which is then taken: so cron alone can drive"
            " it, and catches up once after missed runs.",
        ),
    ] = False,
    source: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Ask this source; several, in order of preference."),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Another value of one of its options, as [jobs.NAME] of the settings has them.",
        ),
    ] = None,
    stop_within: StopWithinOption = STOP_WITHIN,
    catalog: CatalogOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> int:
    """Run one job now, unless it runs already.

    Ends with status 0 if all went well, 1 if some failed or less came than is expected, 3 if a
    source refused or is unreachable.
    """
    from jobs.foreground import Signals, Stoppable
    from jobs.records import Busy

    command = start(ctx, catalog, config, as_json=as_json)
    jobs = planned_jobs(command)
    planned = _job(command, jobs, name)
    options = dict(
        read_option(each, name, planned.job.takes, command.config_path) for each in option or []
    )
    sources = tuple(command.source(each).name for each in source or ())
    signals = Signals()
    with signals.caught(), _runner(command, make_watch(command, jobs)) as runner:
        planned = planned.with_options(options, sources)
        work = Stoppable(lambda: _do(runner, planned, if_owed=if_owed), signals)
        ran = work.run(lambda word: _stop(command, runner, word), stop_within)
        if ran is None:
            _leave(command, runner)
        if isinstance(ran, _NotOwed):
            _nothing_owed(command, planned)
            return DONE
        if isinstance(ran, Busy):
            command.out.note(
                f"{name} is run by {in_words(ran.owner)} now"
                if ran.owner
                else f"{name} was run meanwhile"
            )
            return DONE if if_owed else SOME_FAILED
    _print_ran(command, ran)
    return _status(ran)


def _runner(command: App, watch: Watch) -> Runner:
    from catalog.report.work import after_run as write_last
    from jobs.records import World
    from jobs.registry import JOBS
    from jobs.runner import Runner

    return Runner(
        World(
            settings=command.settings,
            environ=command.environ,
            clock=command.clock,
            rng=command.rng,
            out=command.out.note,
        ),
        JOBS,
        after_run=[watch.after_run, write_last],
    )


def planned_jobs(command: App) -> dict[str, Planned]:
    """The jobs as they are to run here, by name: for other commands too, which know no jobs.

    Raises:
        SettingsError: the settings name a job or an option that there is not.
    """
    from jobs.declare import plan
    from jobs.registry import JOBS

    return plan(JOBS, command.settings)


def _zone(command: App) -> ZoneInfo:
    return ZoneInfo(command.settings.catalog.timezone)


def _job(command: App, jobs: Mapping[str, Planned], name: str) -> Planned:
    """The job of that name.

    Raises:
        UsageError: there is none.
    """
    if name not in jobs:
        near = nearest(name, jobs)
        hint = f"did you mean {near}?" if near else f"there are {', '.join(jobs)}."
        raise UsageError(
            f"there is no job {name!r}; {hint} [jobs.NAME] of {command.config_path} says when each"
            " runs and with which options"
        )
    return jobs[name]


class _NotOwed:
    """That no run is owed."""


def _do(runner: Runner, planned: Planned, *, if_owed: bool) -> JobRan | Busy | _NotOwed:
    if not if_owed:
        return runner.run(planned)
    owed = next((each for each in runner.look() if each.planned.name == planned.name), None)
    if owed is None:
        return _NotOwed()
    return runner.run_owed(msgspec.structs.replace(owed, planned=planned))


def _once(command: App, runner: Runner, signals: Signals, stop_within: float) -> int:
    """Run what is owed now; the worst of how it ended."""
    from jobs.foreground import Stoppable

    def work() -> list[JobRan]:
        done: list[JobRan] = []
        tried: set[str] = set()
        # Each look says anew which wait: what one waits for may have ended just now.
        while left := [each for each in runner.look() if each.planned.name not in tried]:
            each = next((each for each in left if not each.waits), None)
            if each is None:
                for waiting in left:
                    waits = ", ".join(waiting.waits)
                    command.out.note(f"{waiting.planned.name} waits for {waits}: run this again")
                break
            tried.add(each.planned.name)
            ran = runner.run_owed(each)
            if isinstance(ran, JobRan):
                _print_json(command, ran)
                done.append(ran)
        return done

    done = Stoppable(work, signals).run(lambda word: _stop(command, runner, word), stop_within)
    if done is None:
        _leave(command, runner)
    if not done:
        command.out.note("nothing is owed")
    return max((_status(ran) for ran in done), default=DONE)


def _nothing_owed(command: App, planned: Planned) -> None:
    if planned.schedule is None:
        command.out.note(f"{planned.name} has no schedule: it runs by hand alone")
        return
    following = next_slot(planned.schedule, _zone(command), command.clock.now())
    command.out.note(f"{planned.name} is owed no run; the next is at {moment(following)}")


def _announce(command: App, runner: Runner) -> None:
    coming = sorted((at, name) for name, at in runner.next_slots(command.clock.now()).items())
    zone = command.settings.catalog.timezone
    command.out.note(f"the scheduler runs; schedules are read in the zone {zone}")
    for at, name in coming:
        command.out.note(f"  {moment(at)}  {name}")


def _stop(command: App, runner: Runner, word: str) -> None:
    runner.stop()
    _stopping(command, runner, word)


def _stopping(command: App, runner: Runner, word: str) -> None:
    running = ", ".join(runner.running())
    then = f"; told to stop: {running}" if running else ""
    command.out.note(f"{word}: no job begins any more{then}")


def _leave(command: App, runner: Runner) -> NoReturn:
    """End the process though something of it still runs or waits: a thread cannot be ended.

    Its transaction is undone by the engine, and its lock is freed when the next scheduler of this
    machine finds the process gone, elsewhere when its lease ends.
    """
    running = ", ".join(runner.running())
    command.out.note(
        f"left in the midst: {running}; what it wrote stays, and it is taken up again at the next"
        " look"
        if running
        else "the catalog is locked by another process: that this one has ended could not be"
        " written, and is seen at the next look"
    )
    command.out.flush()
    os._exit(SOME_FAILED)


def _status(ran: JobRan) -> int:
    if ran.result.refused:
        return REFUSED
    return DONE if ran.result.status == "done" and not ran.unmet else SOME_FAILED


def _print_ran(command: App, ran: JobRan) -> None:
    brought = {name: value for name, value in ran.result.numbers.items() if value}
    command.out.table(
        [[number(value), harmless(name.replace("_", " "))] for name, value in brought.items()],
        right=[0],
    )
    _print_json(command, ran)


def _print_json(command: App, ran: JobRan) -> None:
    command.out.json(ran_json(ran))
    command.out.flush()


def _expected(planned: Planned) -> Sequence[str]:
    return [each.words() for each in planned.expects if each.is_bounded]


def _named(name: str, moments: Iterator[Micros]) -> Iterator[tuple[Micros, str]]:
    for at in moments:
        yield at, name
