"""What docs/security.md claims: every test that it names is there, and no code reads what runs."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "security.md"
_NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
_THREAT = re.compile(r"^\| (?!could try|---)[^|]+\|[^|]+\|(.*)\|$", re.MULTILINE)
_RUNS = {"pickle", "cPickle", "dill", "marshal", "shelve", "jsonpickle", "cloudpickle"}
_CALLS = {"eval", "exec", "compile"}


def named() -> list[tuple[str, str]]:
    return sorted(set(_NAMED.findall(PAGE.read_text(encoding="utf-8"))))


@pytest.mark.parametrize(("file", "name"), named())
def test_a_test_that_the_page_names_exists(file: str, name: str) -> None:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    assert name in {
        node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_every_threat_names_a_test() -> None:
    threats = _THREAT.findall(PAGE.read_text(encoding="utf-8"))
    assert len(threats) > 20
    assert [cell for cell in threats if not _NAMED.search(cell)] == []


def test_nothing_is_read_that_could_run() -> None:
    """No pickles and their kin, nothing evaluated, and YAML by the loader of plain values alone."""
    found = []
    for path in sorted([*ROOT.glob("catalog/**/*.py"), *ROOT.glob("jobs/**/*.py")]):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = {alias.name.split(".")[0] for alias in node.names}
                names |= {getattr(node, "module", None) or ""}
                found += [(path.name, name) for name in names & _RUNS]
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                found += [(path.name, node.func.id)] if node.func.id in _CALLS else []
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                unsafe = node.value.id == "yaml" and node.attr in {"load_all", "unsafe_load"}
                found += [(path.name, node.attr)] if unsafe or "UnsafeLoader" in node.attr else []
    assert found == []
