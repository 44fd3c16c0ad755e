"""``sources check``: one call each, before money is spent."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from catalog.cli.context import App, start
from catalog.cli.failures import ADVICE
from catalog.cli.options import CatalogOption, ConfigOption, JsonOption
from catalog.cli.text import harmless
from catalog.dialects import get_dialect
from catalog.errors import CatalogError, CatalogMissing, SettingsError
from catalog.query.samples import sample_id
from catalog.records import Verdict
from catalog.secrets import Redactor
from catalog.settings import SourceSettings, api_key
from catalog.storage.engine import read, write
from catalog.storage.sources import add_source, give_back, reserve
from catalog.times import day_of

if TYPE_CHECKING:
    from catalog.fetch.client import Asked
    from catalog.storage.engine import Engine

WELL_KNOWN = "g-2fkFE8rbu"
"""OpenAI's own DALL·E: asked for where the catalog knows no GPT of the source."""
LONGEST_DETAIL = 200

app = typer.Typer(help="The configured sources.", no_args_is_help=True, rich_markup_mode=None)


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """How a source answered one question.

    Attributes:
        source: its name.
        dialect: how it was asked.
        asked: the id.
        well: whether it answered the question about a GPT.
        verdict: how it answered; None where it could not be asked.
        status: HTTP status, 0 for none.
        wrapping: where in its answer the gizmo object lies; None without a document.
        envelope: whether the document lies inside an envelope.
        quota: what it says of what is left, by header.
        detail: its own words, or why it could not be asked.
        exit_status: what this alone would end the command with.
    """

    source: str
    dialect: str
    asked: str
    well: bool
    verdict: str | None = None
    status: int = 0
    wrapping: str | None = None
    envelope: bool = False
    quota: dict[str, str] = {}
    detail: str = ""
    exit_status: int = 0


@app.callback()
def sources() -> None:
    """The configured sources."""


@app.command("check")
def check(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="This source alone.")] = None,
    catalog: CatalogOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> int:
    """Ask each source one question: is the key good, which wrapping, what is left of the quota.

    Ends with status 3 where one refuses or cannot be reached. A question costs one request.
    """
    setup = start(ctx, catalog, config, as_json=as_json)
    if name is not None:
        asked = [setup.source(name)]
    else:
        asked = [each for each in setup.settings.sources.values() if each.dialect != "recorded"]
    if not asked:
        setup.source(None)  # raises, and says what to do
    worst = 0
    for each in asked:
        found = _check(setup, each)
        for line in describe(found):
            setup.out.line(line)
        setup.out.json({**msgspec.to_builtins(found)})
        worst = max(worst, found.exit_status)
    return worst


def describe(found: Checked) -> list[str]:
    """How a source answered, line by line."""
    lines = [f"{found.source} ({found.dialect}): {_verdict(found)}"]
    if found.wrapping is not None:
        place = found.wrapping or "bare"
        lines.append(f"  wrapping: {place}" + (", inside an envelope" if found.envelope else ""))
    if not found.well and found.verdict is not None:
        status = f"HTTP {found.status}, " if found.status else ""
        lines.append(f"  it said: {status}{harmless(found.detail)[:LONGEST_DETAIL]}")
    elif not found.well:
        lines.append(f"  {harmless(found.detail)}")
    if found.verdict is not None:
        quota = ", ".join(f"{key} {harmless(value)}" for key, value in found.quota.items())
        lines.append(f"  quota: {quota or 'it does not say what is left'}")
    return lines


_WORDS = {
    Verdict.DOCUMENT: "well: the key is good, {asked} came back",
    Verdict.NOT_FOUND: "well: the key is good; it knows no {asked}",
    Verdict.MISMATCHED: "answers, but with another GPT than {asked}: is its dialect the right one?",
    Verdict.DENIED: f"refuses the key: {ADVICE[Verdict.DENIED]}",
    Verdict.QUOTA: f"the quota of its key is used up: {ADVICE[Verdict.QUOTA]}",
    Verdict.THROTTLED: f"asks to be asked more slowly: {ADVICE[Verdict.THROTTLED]}",
    Verdict.UNAVAILABLE: f"cannot be reached, or has no such route: {ADVICE[Verdict.UNAVAILABLE]}",
    Verdict.MALFORMED: f"answers what cannot be understood: {ADVICE[Verdict.MALFORMED]}",
}


def _verdict(found: Checked) -> str:
    if found.verdict is None:
        return "could not be asked"
    return _WORDS[Verdict(found.verdict)].format(asked=found.asked)


def _check(setup: App, source: SourceSettings) -> Checked:
    try:
        with setup.catalog(read_only=False) as engine:
            return _ask(setup, source, engine)
    except CatalogMissing:
        # A key can be tried before there is a catalog; then nothing counts the request.
        return _ask(setup, source, None)


def _ask(setup: App, source: SourceSettings, engine: Engine | None) -> Checked:
    gizmo_id = WELL_KNOWN
    if engine is not None:
        with read(engine) as conn:
            gizmo_id = sample_id(conn, source.name) or WELL_KNOWN
    try:
        key = api_key(source, setup.environ)
        asked = asyncio.run(_question(setup, source, key, gizmo_id, engine))
    except CatalogError as error:
        return Checked(
            source=source.name,
            dialect=source.dialect,
            asked=gizmo_id,
            well=False,
            detail=str(error),
            exit_status=error.exit_status,
        )
    reading = asked.readings[0]
    has_document = reading.verdict in {Verdict.DOCUMENT, Verdict.MISMATCHED}
    body = asked.answer.body if asked.answer else b""
    # An answer may echo any key, in its words or its headers (law 10).
    without_keys = Redactor(setup.keys).text
    return Checked(
        source=source.name,
        dialect=source.dialect,
        asked=gizmo_id,
        well=reading.verdict.is_fact,
        verdict=reading.verdict,
        status=reading.status,
        wrapping=reading.wrapping if has_document else None,
        envelope=has_document and reading.payload.strip() != body.strip(),
        quota={name: without_keys(value) for name, value in _quota(asked).items()},
        detail=without_keys(reading.detail),
        exit_status=0 if reading.verdict.is_fact else 3,
    )


async def _question(
    setup: App, source: SourceSettings, key: str | None, gizmo_id: str, engine: Engine | None
) -> Asked:
    """Ask once, whatever comes back; it counts against the day's budget."""
    # The client is slow to load: commands that ask nobody do without.
    from catalog.fetch.client import Fetcher

    dialect = get_dialect(source)
    request = dialect.details([gizmo_id])
    day = day_of(setup.clock.now())

    async def spend(wanted: int) -> int:
        if engine is None:
            return wanted
        with write(engine) as conn:
            number = add_source(conn, source.name, source.dialect, setup.clock.now())
            return reserve(conn, number, day, min(1, wanted), source.requests_per_day)

    once = msgspec.structs.replace(source, max_attempts=1)
    async with Fetcher(once, key=key, clock=setup.clock, rng=setup.rng, reserve=spend) as fetcher:
        asked = await fetcher.ask(request, lambda answer: dialect.read(answer, request.asked))
        await fetcher.close()
        if engine is not None and fetcher.unspent:
            with write(engine) as conn:
                number = add_source(conn, source.name, source.dialect, setup.clock.now())
                give_back(conn, number, day, fetcher.unspent)
    if not asked.readings:
        raise SettingsError(f"source {source.name}: its dialect {source.dialect} read nothing")
    return asked


def _quota(asked: Asked) -> dict[str, str]:
    """What the answer's headers say of what is left."""
    headers = asked.answer.headers if asked.answer else {}
    return {
        name: value
        for name, value in headers.items()
        if "remaining" in name or "quota" in name or "balance" in name
    }
