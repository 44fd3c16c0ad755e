from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import inspect, select

from catalog.cli.output import Output, diff_text
from catalog.cli.text import harmless, shown, to_json, word_diff
from catalog.storage import engine as engines
from catalog.storage import tables as t
from catalog.text import unescape_text
from tests.conftest import ROOT
from tests.laws.asking import Asking
from tests.laws.asking import given as answered
from tests.laws.worlds import GPTS, document, keep, scratch, state_document, tool

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

HOSTILE = {
    "SQL": "x'); DROP TABLE gizmos; --",
    "a placeholder": "%(name)s %s :name ? {0} $1",
    "LIKE": "100%_\\",
    "HTML": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "a template": "{{ 7 * 7 }} {% raw %} ${7*7}",
    "a title for the terminal": "\x1b]0;owned\x07name",
    "a colour": "\x1b[31mred\x1b[0m",
    "a control of eight bits": "\x9b31mred",
    "a return": "good\rbad",
    "a backspace": "good\b\b\b\bevil",
    "a direction": "abc\u202edef\u2066x\u2069",
    "nothing visible": "a\u200b\ufeff\u2060b",
    "a zero": "a\x00b",
    "a lone surrogate": "a\ud800b",
    "markup of the display": "[red]x[/red] [link=https://x.test]y[/link] :boom:",
    "a path": "../../etc/passwd",
    "a formula": "=HYPERLINK(1)",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_kept_as_it_is_and_does_nothing(engine: Engine, name: str) -> None:
    text = HOSTILE[name]
    said = document(
        name=text,
        description=text,
        tags=[text],
        categories=[text],
        starters=[text],
        user_id=text,
        author=text,
        tools=[tool(text), tool("plugins_prototype", 2, domain=text, auth={text: text})],
    )
    said["gizmo"][text] = text
    with scratch(engine) as conn:
        keep(conn, [state_document(said)])
        (row,) = conn.execute(select(t.gizmos))
        assert unescape_text(row.name) == text
        assert unescape_text(row.user_id) == text
        for table in ("tags", "prompt_starters", "tools"):
            assert conn.execute(select(t.CHILDREN[table])).all()
        assert set(inspect(conn).get_table_names()) >= set(t.metadata.tables)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_in_errors_and_ids_does_nothing(engine: Engine, name: str) -> None:
    asking = Asking(engine)
    said = answered(GPTS[0], {"tools": HOSTILE[name], "detail": HOSTILE[name]})
    assert asking.run(said).failed == 1
    with engines.read(engine) as conn:
        assert set(inspect(conn).get_table_names()) >= set(t.metadata.tables)


def _steers(text: str) -> bool:
    """Whether a terminal would do anything but show ``text``."""
    return any(
        (ord(each) < 0x20 and each not in "\n\t")
        or 0x7F <= ord(each) < 0xA0
        or each in "\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
        or 0xD800 <= ord(each) < 0xE000
        for each in text
    )


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_printed_steers_no_terminal(capfd: pytest.CaptureFixture[str], name: str) -> None:
    text = HOSTILE[name]
    out = Output()
    out.line(text)
    out.heading(text)
    out.table([[harmless(text), shown(text)]])
    out.line(diff_text(word_diff(text, f"{text} more")))
    out.note(text)
    Output(as_json=True).json({text: [text]})
    printed = capfd.readouterr()
    assert not _steers(printed.out)
    assert not _steers(printed.err)


@given(st.text(st.characters(codec=None)))
def test_no_text_at_all_steers_a_terminal(text: str) -> None:
    assert not _steers(harmless(text))
    assert "\n" not in harmless(text)
    assert not _steers(to_json({"name": text}))


MADE_OF_PARTS = (ast.JoinedStr, ast.BinOp)
SQL_CALLS = {"text", "exec_driver_sql", "execute", "executescript", "literal_column"}
BUILT = {
    "catalog/storage/engine.py": "PRAGMA query_only = ON or OFF, PRAGMA synchronous: two words",
    "catalog/storage/sqlite_reading.py": "three pragmas, one of them with a number of ours",
    "catalog/storage/sqlite_child.py": "pragmas with numbers of ours",
    "catalog/storage/dataset_file.py": "names of declared tables and columns, quoted",
    "catalog/storage/salvage.py": "names of our own declared tables and columns, quoted",
    "catalog/storage/scrubbing.py": "names of our own tables, quoted",
    "catalog/storage/migrate.py": "names of our own tables and backup files, quoted",
}
"""Modules that build a statement from parts, with what the parts are: never a stranger's text."""


def built_statements(path: Path) -> Iterator[int]:
    """The lines on which a statement is put together from parts."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and node.args:
            called = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            called = called or getattr(node.func, "id", "")
            first = node.args[0]
            formatted = isinstance(first, ast.Call) and getattr(first.func, "attr", "") == "format"
            if called in SQL_CALLS and (isinstance(first, MADE_OF_PARTS) or formatted):
                yield node.lineno


def test_no_statement_is_built_from_text() -> None:
    places = [
        path for path in (ROOT / "catalog").rglob("*.py") if path.parts[-2] in ("storage", "query")
    ]
    found = {str(path.relative_to(ROOT)) for path in places if any(built_statements(path))}
    assert found <= BUILT.keys()


@pytest.mark.parametrize(
    "text", ['conn.execute(text(f"SELECT {x}"))', 'execute("a" + x)', 'text("{}".format(x))']
)
def test_the_test_sees_a_built_statement(tmp_path: Path, text: str) -> None:
    path = tmp_path / "module.py"
    path.write_text(text)
    assert list(built_statements(path))
