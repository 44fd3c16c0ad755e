"""Reports with everything in them, of whatever texts."""

from __future__ import annotations

from typing import Any

from catalog.query.agreement import Agreement, Disagreement
from catalog.query.changes import Change, MassEvent
from catalog.query.doings import RunFailures, Spent
from catalog.query.failures import Reason
from catalog.query.movers import Mover
from catalog.query.probes import Turn
from catalog.query.stats import DriftRow, UnmappedRow
from catalog.query.windows import Gpt, GptChanges, MassNews, Some
from catalog.report.model import (
    Brought,
    Entry,
    Late,
    NextJob,
    Report,
    WatchNews,
    Window,
    day_window,
)
from catalog.storage.alarms import Standing
from catalog.storage.jobs import JobRun
from catalog.storage.runs import Run
from catalog.times import HOUR

DAY = day_window("2026-02-03")
AT = DAY.since + 9 * HOUR
ID = "g-Made1UpId"

NASTY = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[click](javascript:alert(1)) ![x](https://evil.example/x.png)",
    "<https://evil.example> https://evil.example www.evil.example me@evil.example",
    "[ref]: https://evil.example",
    "` `` ``` code",
    "**bold** _it_ ~~gone~~ # head",
    "# heading",
    "- item",
    "1. first",
    "> quote",
    "    indented",
    "&lt;b&gt; &amp; &#60;",
    "two\nlines\r\n\n# three",
    "\x1b[31mred\x1b]8;;https://evil.example\x07link",
    "\u202eevil\u2066",
    "\ufdd00000 \ufdd0d800 zero",
    "Z" + "\u0300\u0301\u0489" * 60 + "algo",
    "]]> <!-- --> <?xml?>",
    "]( \\",
    "\x0b\x0c\x85\u2028\u2029\ufffe\uffff",
    "x" * 20_000,
    "",
)


def gpt(name: str | None = "A name", author: str | None = "An Author") -> Gpt:
    return Gpt(gizmo_id=ID, name=name, author=author, conversations=25_000, exact=False)


def change(old: Any, new: Any, field: str = "gizmo.display.name", kind: str = "changed") -> Change:
    return Change(
        gizmo_id=ID,
        name=None,
        observed_at=AT,
        not_before=None,
        cls="content",
        field=field,
        element="",
        kind=kind,
        old=old,
        new=new,
        source="one",
        flap=False,
        disagreement=False,
        event_id=None,
    )


def some(*items: Any, more: int = 0) -> Some[Any]:
    return Some(items=items, total=len(items) + more)


def changes(text: str) -> GptChanges:
    long = f"what was said before {text} and some words behind it, so that words are compared"
    return GptChanges(
        gpt=gpt(text, text),
        changes=some(
            change("before", text),
            change("before it", long),
            change(None, {"text": text}, "gizmo.display.prompt_starters", "added"),
            more=3,
        ),
    )


def report(text: str, window: Window = DAY) -> Report:
    """A report with something everywhere, made of ``text`` wherever it may be a stranger's."""
    run = Run(
        run_id="20260203T030000-0123456789",
        command="harvest --due",
        source="one",
        started_at=AT,
        status="failed",
        reason=text,
        requested=20,
        failed=2,
        requests=24,
        cost=0.024,
    )
    brought = Brought(
        new=some(gpt(text, text), more=123),
        changed=some(changes(text), more=4),
        changes=17,
        gone=some(gpt(text)),
        back=some(gpt(text)),
        missing=some(gpt(text)),
        mass=(
            MassNews(
                event=MassEvent(
                    event_id="e",
                    field="gizmo.tags",
                    added=[text],
                    removed=[],
                    first_day="2026-02-03",
                    last_day="2026-02-04",
                    gpts=20,
                    compared=21,
                ),
                changes=20,
            ),
        ),
    )
    mover = Mover(gizmo_id=ID, name=text, author=text, before=1, after=3, before_at=AT, after_at=AT)
    return Report(
        window=window,
        brought=brought,
        late=Late(brought=brought, first_at=AT, last_at=AT),
        flaps=2,
        moved={"conversations": (mover,), "reviews": (mover,), "rating": (mover,)},
        runs=(run,),
        failed_runs=some(
            RunFailures(
                run=run,
                reasons=(
                    Reason(verdict="malformed", status=200, detail=text, count=2, example=text),
                ),
            )
        ),
        failed_jobs=some(
            JobRun(
                job_run_id="j",
                job="backup",
                slot_at=None,
                started_at=AT,
                status="failed",
                owner="me",
                message=text,
            )
        ),
        disagreements=(
            Agreement(
                sources=("one", "two"),
                compared=9,
                agreed=8,
                fields={"gizmo.display.name": 1},
                examples=(
                    Disagreement(
                        gizmo_id=ID,
                        sources=("one", "two"),
                        said_at=(AT, AT),
                        fields=("gizmo.display.name",),
                    ),
                ),
            ),
        ),
        turns=some(Turn(gizmo_id=ID, name=text, at=AT, before="answered", after="silent")),
        spent=(Spent(source="one", requests=24, probes=1, tokens=99, cost=0.024),),
        drift=some(
            DriftRow(
                source="one",
                wrapping="gizmo",
                path=text,
                kind="appeared",
                at=AT,
                first_seen_at=AT,
                last_seen_at=AT,
                example=text,
            )
        ),
        unknown=some(
            UnmappedRow(path=text, first_seen_at=AT, last_seen_at=AT, count=1, example=text)
        ),
        alarms=(
            Standing(
                kind="source_dead",
                subject="one",
                severity="alarm",
                message=text,
                raised_at=AT,
                seen_at=AT,
            ),
        ),
        next_jobs=(NextJob(job="refresh", at=AT),),
        watches=(
            WatchNews(
                name="rivals",
                wanted=f"search {text}",
                search="translation",
                new=some(gpt(text), more=2),
                left=some(gpt(text)),
                changed=some(changes(text)),
                late=some(changes(text)),
            ),
        ),
    )


def entries(text: str) -> tuple[Entry, ...]:
    """An entry of each kind."""
    return (
        Entry(
            key=("gpt", ID, "2026-02-03"),
            updated_at=AT,
            day="2026-02-03",
            gpt=gpt(text, text),
            changes=changes(text).changes,
        ),
        Entry(
            key=("watch", "rivals", "matches", ID, "2026-02-03"),
            updated_at=AT - HOUR,
            day="2026-02-03",
            gpt=gpt(text, text),
            matches=True,
        ),
        Entry(
            key=("day", "2026-02-02"),
            updated_at=AT - 24 * HOUR,
            day="2026-02-02",
            counts={"new": 1200, "gone": 1},
        ),
    )
