"""How an export is loaded, as lines to copy. Pure; docs/datasets.md tells more."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from catalog.export.layout import Laid, is_catalog, laid_out, together
from catalog.export.release import Release


class Snippet(msgspec.Struct, frozen=True, kw_only=True):
    """A few lines of code.

    Attributes:
        title: with what it loads.
        language: of the code.
        lines: the code, to be run in the export's folder.
    """

    title: str
    language: str
    lines: tuple[str, ...]


def snippets(release: Release) -> tuple[Snippet, ...]:
    """How the first table of an export is loaded, by library.

    Args:
        release: the export.
    """
    laid = [each for each in laid_out(release) if each.rows]
    if laid:
        return _SNIPPETS[release.format](laid[0])
    files = together(release)
    if not files:
        return ()
    return tuple(_sqlite(files[0].path, whole=is_catalog(release)))


def _sqlite(path: str, *, whole: bool) -> Iterator[Snippet]:
    yield _python(
        "With Python alone",
        "import sqlite3",
        "",
        f'catalog = sqlite3.connect("file:{path}?mode=ro", uri=True)',
        'catalog.execute("SELECT count(*) FROM gizmos").fetchone()',
    )
    if whole:
        yield Snippet(
            title="With the program that made it, as any catalog",
            language="sh",
            lines=(f"gpts-catalog --catalog sqlite:///{path} stats",),
        )


def _python(title: str, *lines: str) -> Snippet:
    return Snippet(title=title, language="python", lines=lines)


def _parquet(laid: Laid) -> tuple[Snippet, ...]:
    folder = laid.pattern.rpartition("/")[0] if laid.is_parted else laid.pattern
    name = laid.table.name
    return (
        _python("With pandas", "import pandas", "", f'{name} = pandas.read_parquet("{folder}")'),
        _python(
            "With Polars", "import polars", "", f'{name} = polars.read_parquet("{laid.pattern}")'
        ),
        _python(
            "With DuckDB", "import duckdb", "", f'{name} = duckdb.read_parquet("{laid.pattern}")'
        ),
        _hugging_face(laid, "parquet"),
    )


def _csv(laid: Laid) -> tuple[Snippet, ...]:
    return (
        _python(
            "With pandas",
            "import pandas",
            "",
            f'{laid.table.name} = pandas.read_csv("{laid.files[0].path}")',
        ),
        _python(
            "With DuckDB",
            "import duckdb",
            "",
            f'{laid.table.name} = duckdb.read_csv("{laid.pattern}")',
        ),
        _hugging_face(laid, "csv"),
    )


def _ndjson(laid: Laid) -> tuple[Snippet, ...]:
    return (
        _python(
            "With pandas",
            "import pandas",
            "",
            f'{laid.table.name} = pandas.read_json("{laid.files[0].path}", lines=True)',
        ),
        _python(
            "With DuckDB",
            "import duckdb",
            "",
            f'{laid.table.name} = duckdb.read_json("{laid.pattern}")',
        ),
        _hugging_face(laid, "json"),
    )


def _hugging_face(laid: Laid, builder: str) -> Snippet:
    return _python(
        "With Hugging Face datasets",
        "from datasets import load_dataset",
        "",
        f"{laid.table.name} = load_dataset(",
        f'    "{builder}", data_files="{laid.pattern}", split="train"',
        ")",
    )


_SNIPPETS = {"parquet": _parquet, "csv": _csv, "ndjson": _ndjson}
