"""``recover``: a new catalog of what a damaged file still holds."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from catalog.care.recovering import recover as recover_file
from catalog.cli.context import start
from catalog.cli.options import ConfigOption, JsonOption
from catalog.cli.progress import NowAndThen
from catalog.cli.text import count, number
from catalog.derive import Derivation

DONE, SOME_LOST = 0, 1


def recover(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The damaged catalog.")],
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="NEW", help="The new file; else FILE.recovered beside it."),
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> int:
    """Save what can be saved of a damaged SQLite catalog into a new one.

    FILE stays as it is. What has a digest is saved if it has it still; what contradicts itself is
    not saved. All tables of browsing are derived again. The exit status is 1 if anything was lost.
    """
    app = start(ctx, None, config, as_json=as_json)
    target = to or file.with_name(f"{file.name}.recovered")
    log = NowAndThen(app.out)
    done = recover_file(file, target, Derivation(), app.clock.now(), log.say)
    app.out.line(f"saved into {target}")
    app.out.table(
        [[number(rows), name.replace("_", " ")] for name, rows in done.saved.items() if rows],
        right=[0],
    )
    for title, found in (
        ("lost rows", done.lost),
        ("places that cannot be read, where an unknown number of rows was", done.unreadable),
    ):
        if any(found.values()):
            app.out.heading(title)
            app.out.table(
                [[number(each), name.replace("_", " ")] for name, each in found.items() if each],
                right=[0],
            )
    if done.is_short:
        app.out.note(
            "a backup may have them: gpts-catalog merge BACKUP --catalog "
            f"{shlex.quote(str(target))} brings back what it holds"
        )
        if done.known_again:
            app.out.note(
                f"{count(done.known_again, 'GPT')} had lost the place in the frontier: known again"
                " by what was said of them, and due now"
            )
    else:
        app.out.line(f"nothing was lost: {count(sum(done.saved.values()), 'row')} saved")
    app.out.json({"path": str(target), **msgspec.to_builtins(done)})
    return SOME_LOST if done.is_short else DONE
