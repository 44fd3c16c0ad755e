"""The entry point: parse, call, and turn errors into one message and an exit status."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.exceptions import Abort, TyperException

from catalog import __version__
from catalog.cli.common import Common, without_secrets
from catalog.cli.interrupts import INTERRUPTED
from catalog.cli.options import CatalogOption, ConfigOption, JsonOption
from catalog.cli.text import harmless, to_json
from catalog.cli.usage import explain, help_instead
from catalog.errors import CatalogError

COMPLETING = "_GPTS_CATALOG_COMPLETE"
"""Set by the shell's completion script."""
PIPE_CLOSED = 141
"""What shells expect of a program whose reader went away."""
_NO_RIGHT = ": check who may use it, or name another place"
_NO_ROOM = ": make room, or name another place"
_MENDED_BY = {
    errno.EACCES: _NO_RIGHT,
    errno.EPERM: _NO_RIGHT,
    errno.EROFS: _NO_RIGHT,
    errno.ENOSPC: _NO_ROOM,
    errno.EDQUOT: _NO_ROOM,
    errno.ENOENT: ": check the path",
    errno.ENOTDIR: ": check the path",
    errno.EISDIR: ": check the path",
}
"""What is to be done about an operating system's refusal."""


def options(
    ctx: typer.Context,
    catalog: CatalogOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Harvest, keep and query what is publicly said about custom GPTs."""
    ctx.obj = Common(catalog=catalog, config=config, as_json=as_json)
    if version:
        typer.echo(to_json({"version": __version__}) if as_json else f"gpts-catalog {__version__}")
        raise typer.Exit
    if ctx.invoked_subcommand is None:
        ctx.fail("Missing command")


_COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("demo:demo", "Take a whole tour, with no key and no network."),
    "init": ("setup:init", "Make a catalog and a commented catalog.toml."),
    "upgrade": ("setup:upgrade", "Bring a catalog to the current schema."),
    "sources": ("sources:app", "Check the configured sources."),
    "harvest": ("harvest:harvest", "Fetch GPT details from a source."),
    "discover": ("discover:discover", "Search the sources for GPTs."),
    "probe": ("probe:probe", "Put a question to GPTs."),
    "import": ("importing:import_", "Take documents from files."),
    "show": ("show:show", "Show one GPT, all of it."),
    "search": ("search:search", "Find GPTs, or browse them."),
    "authors": ("authors:authors", "Find authors, or show one."),
    "changes": ("changes:changes", "Show what changed."),
    "report": ("report:report", "Tell what happened, to be read."),
    "metrics": ("metrics:metrics", "Show a GPT's numbers over time."),
    "stats": ("stats:stats", "Show what the catalog holds."),
    "sql": ("sql:sql", "Ask in SQL, or run a query that ships."),
    "export": ("export:export", "Write datasets, or check one."),
    "plan": ("plan:plan", "Show what the budget buys."),
    "status": ("status:status", "Show where the catalog stands."),
    "verify": ("care:verify", "Check that the catalog is whole."),
    "digest": ("care:digest", "Name the state of the catalog."),
    "rebuild": ("care:rebuild", "Derive all tables again from the archive."),
    "merge": ("merging:merge", "Take another catalog into this one."),
    "backup": ("backup:backup", "Write the whole catalog to one file."),
    "restore": ("backup:restore", "Make a catalog of a backup."),
    "move": ("moving:move", "Take the catalog to another place or engine."),
    "prune": ("pruning:prune", "Remove what only age speaks against."),
    "serve": ("serve:serve", "Show the catalog in a browser."),
    "recover": ("recovering:recover", "Save what can be saved of a damaged catalog."),
    "forget": ("forgetting:app", "Erase a GPT or an author, for good."),
    "schedule": ("jobs:schedule", "Run the jobs when they are due."),
    "jobs": ("jobs:app", "List the jobs, see what runs next, run one now."),
    "simulate-gateway": ("simulate:simulate_gateway", "Run a simulated gateway."),
}
"""Each command, where it stands in this package, and what it does in a line."""


_STORES_AS_IT_GOES = frozenset(
    {"demo", "discover", "forget", "harvest", "import", "jobs", "merge", "move", "probe", "prune"}
    | {"schedule", "upgrade"}
)
"""What these wrote stays when they are stopped; the others write nothing, or all or nothing."""


class _Group(TyperGroup):
    """The command line as a whole, which leaves a closed pipe to :func:`main`."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command; of an error that carries its number Typer would make a failure."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise BrokenPipeError from None


def make_app(words: Sequence[str] | None = None) -> typer.Typer:
    """The command line.

    Args:
        words: load only the command that they name, for what the others need is slow to load;
            None loads all, as the completion of their options needs it.
    """
    app = typer.Typer(
        name="gpts-catalog",
        cls=_Group,
        help="Harvest, keep and query what is publicly said about custom GPTs.",
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    # --version needs no command.
    app.callback(invoke_without_command=True)(options)
    for name, (place, short) in _COMMANDS.items():
        if words is not None and name not in words:
            app.command(name, short_help=short)(_unloaded)
            continue
        module, function = place.split(":")
        command = getattr(import_module(f"catalog.cli.{module}"), function)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name, short_help=short)
        else:
            app.command(name, short_help=short)(command)
    return app


def _unloaded() -> None:
    """Stands for a command that the words do not name; see :func:`make_app`."""


def main(args: list[str] | None = None) -> None:
    """Run the command line and end the process.

    Args:
        args: the words after the program's name; those of the process if not given.
    """
    try:
        outcome = run(args)
    except BrokenPipeError:
        # The reader of a pipe went away, as head does: no fault.
        _print_no_more()
        outcome = PIPE_CLOSED
    sys.exit(outcome)


def _print_no_more() -> None:
    """Print what waits, or let it go: Python would complain once more when it ends."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def run(args: list[str] | None = None) -> int:
    """Run the command line.

    Args:
        args: the words after the program's name; those of the process if not given.

    Returns:
        The exit status.
    """
    words = sys.argv[1:] if args is None else args
    try:
        app = make_app(None if COMPLETING in os.environ else words)
        outcome = app(words, prog_name="gpts-catalog", standalone_mode=False)
        sys.stdout.flush()
    except CatalogError as error:
        _complain(str(error), words)
        return error.exit_status
    except TyperException as error:
        text = help_instead(error)
        if text is None:
            _complain(explain(error, _command_in(words)), words)
        else:
            sys.stderr.write(f"{text}\n")
        return error.exit_code
    except BrokenPipeError:
        raise
    except OSError as error:  # a disk, a folder: the user's to mend, and no bug
        place = f"{error.filename}: " if error.filename else ""
        advice = _MENDED_BY.get(error.errno or 0, "")
        _complain(f"{place}{error.strerror or error}{advice}", words)
        _print_no_more()
        return CatalogError.exit_status
    except (KeyboardInterrupt, Abort):
        outcome = INTERRUPTED
    if outcome == INTERRUPTED:  # a command's own, or Typer's, which swallows Ctrl-C
        stores = _command_in(words) in _STORES_AS_IT_GOES
        sys.stderr.write("stopped; what was written until now stays\n" if stores else "stopped\n")
    return outcome if isinstance(outcome, int) else 0


def _command_in(words: Sequence[str]) -> str:
    """The command that the words name; empty where they name none."""
    return next((word for word in words if word in _COMMANDS), "")


def _complain(text: str, words: list[str]) -> None:
    """One message on stderr, harmless and without secrets."""
    text = without_secrets(text, _named_in(words), os.environ)
    sys.stderr.write(f"error: {harmless(text, lines=True)}\n")


def _named_in(words: list[str]) -> Common:
    """The catalog and the settings that the words name, wherever they stand."""
    found: dict[str, str] = {}
    for place, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name in {"--catalog", "--config"}:
            found[name] = value if equals else next(iter(words[place + 1 :]), "")
    config = found.get("--config")
    return Common(catalog=found.get("--catalog"), config=Path(config) if config else None)
