from __future__ import annotations

from typing import Annotated

import pytest
import typer

from catalog.cli.again import again


def _said(words: list[str]) -> str:
    """What the command would say to type next."""
    app = typer.Typer()
    found: list[str] = []

    @app.callback()
    def above(
        *,
        catalog: Annotated[str | None, typer.Option("--catalog")] = None,
        as_json: Annotated[bool, typer.Option("--json")] = False,
    ) -> None:
        del catalog, as_json  # read from the context, as the next command is made

    @app.command()
    def search(
        ctx: typer.Context,
        *,
        text: Annotated[list[str] | None, typer.Argument()] = None,
        tool: Annotated[list[str] | None, typer.Option("--tool")] = None,
        limit: Annotated[int, typer.Option("--limit")] = 50,
        after: Annotated[str | None, typer.Option("--after")] = None,
        ids: Annotated[bool, typer.Option("--ids")] = False,
    ) -> None:
        del text, tool, limit, after, ids
        found.append(again(ctx, after="NEXT"))

    app(words, prog_name="gpts-catalog", standalone_mode=False)
    return found[0]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["search"], "gpts-catalog search --after NEXT"),
        (["search", "a b", "c"], "gpts-catalog search --after NEXT 'a b' c"),
        (
            ["search", "--tool", "x", "--tool", "y z", "--limit", "5", "--ids"],
            "gpts-catalog search --tool x --tool 'y z' --limit 5 --ids --after NEXT",
        ),
        (["search", "--after", "LAST", "w"], "gpts-catalog search --after NEXT w"),
        (["search", "--", "w", "-x"], "gpts-catalog search --after NEXT -- w -x"),
        (["--catalog", "my.db", "search"], "gpts-catalog --catalog my.db search --after NEXT"),
        (
            ["--catalog", "postgresql://me:s3cret@host/db?sslpassword=x&port=5", "search"],
            "gpts-catalog --catalog 'postgresql://me@host/db?port=5' search --after NEXT",
        ),
    ],
)
def test_the_next_command_is_the_last_one_with_what_changes(typed: list[str], said: str) -> None:
    assert _said(typed) == said
