"""Docs that fail when they are stale."""

from __future__ import annotations

import re
import tomllib
from itertools import chain
from pathlib import Path

import pytest
import yaml

from catalog.errors import CatalogError
from catalog.query.named_queries import named_queries
from catalog.settings import default_toml
from tests.pages.configuration import keys
from tests.pages.errors import said_of, tree_of
from tests.pages.imports import imports, layers
from tests.pages.made import MADE

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "data" / "README.md"])


def _words() -> set[str]:
    """The words of the Makefile."""
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony
    return set(phony[1].split())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_files_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text())
    assert [each for each in targets if not (page.parent / each).exists()] == []


def _anchors(page: Path) -> set[str]:
    """What links can name in a page: its headings, as the site and forges write them."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    plain = (re.sub(r"[^\w\s-]", "", title).strip().lower() for title in titles)
    return {re.sub(r"[-\s]+", "-", title) for title in plain}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_to_headings_find_them(page: Path) -> None:
    targets = re.findall(r"\]\(((?!https?:)[^)#\s]*\.md)?#([^)\s]+)\)", page.read_text())
    assert [
        (path, anchor)
        for path, anchor in targets
        if anchor not in _anchors(page.parent / path if path else page)
    ] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_make_words_that_a_page_names_exist(page: Path) -> None:
    assert set(re.findall(r"`(?:\S+=\S+ )?make ([a-z-]+)`", page.read_text())) <= _words()


def test_decisions_give_a_reason_for_every_dependency_and_no_other() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    declared = chain(
        project["project"]["dependencies"],
        *project["project"]["optional-dependencies"].values(),
        *project["dependency-groups"].values(),
    )
    names = {re.split(r"[\[<>=]", each)[0] for each in declared if isinstance(each, str)}
    section = (ROOT / "docs" / "decisions.md").read_text().split("## Dependencies")[1]
    rows = [line.split("|") for line in section.splitlines() if line.startswith("| `")]
    given = {
        re.findall(r"`([^`]+)`", row[2] if row[2].startswith(" `") else row[1])[0] for row in rows
    }
    assert given == names
    assert all(cell.strip() for row in rows for cell in row[1:-1])


def test_readme_example_settings_are_those_of_init() -> None:
    """The keys that the README tells people to fill in stand in the file they edit."""
    readme = (ROOT / "README.md").read_text()
    blocks = re.findall(r"```toml\n(.*?)```", readme, re.DOTALL)
    assert blocks
    keys = set(re.findall(r"^(?:# )?([a-z_]+) = ", default_toml(), re.MULTILINE))
    for block in blocks:
        for table in tomllib.loads(block).get("sources", {}).values():
            assert table.keys() <= keys


@pytest.mark.parametrize("page", MADE)
def test_a_page_that_is_made_is_as_it_would_be_made_now(page: str) -> None:
    assert (ROOT / page).read_text(encoding="utf-8") == MADE[page](), "run make docs"


def test_guide_to_sql_names_every_query_that_ships() -> None:
    text = (ROOT / "docs" / "sql.md").read_text(encoding="utf-8")
    assert [name for name in named_queries() if f"`{name}`" not in text] == []


def test_every_error_says_what_to_do() -> None:
    assert [each.__name__ for each in tree_of(CatalogError) if not all(said_of(each))] == []


def test_page_of_the_settings_has_every_section_that_init_writes() -> None:
    written = set(re.findall(r"^(?:# )?\[([a-z.]+)\]$", default_toml(), re.MULTILINE))
    told = {re.sub(r"\W+$", "", title.strip("[]").replace(".NAME", "")) for title in keys()}
    assert {each if each in told else each.split(".")[0] for each in written} == told


def test_architecture_names_every_part_and_no_other() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    told = set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
    assert told == imports().keys() == {part for layer in layers() for part in layer}


def test_site_names_every_page_once_and_no_other() -> None:
    config = yaml.safe_load((ROOT / ".mkdocs.yml").read_text(encoding="utf-8"))
    named = re.findall(r"[\w/-]+\.md", str(config["nav"]))
    there = [path.relative_to(ROOT / "docs").as_posix() for path in ROOT.glob("docs/**/*.md")]
    assert sorted(named) == sorted(there)


def test_site_takes_nothing_from_elsewhere() -> None:
    config = yaml.safe_load((ROOT / ".mkdocs.yml").read_text(encoding="utf-8"))
    assert config["theme"]["font"] is False
    assert "http" not in str({key: each for key, each in config.items() if key != "nav"})
