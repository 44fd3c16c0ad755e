from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest
from typer.main import get_command

import catalog
from catalog.cli.main import PIPE_CLOSED, make_app
from catalog.simulator import SIMULATED_KEY
from tests.acceptance.conftest import KEY

if TYPE_CHECKING:
    from typer.core import TyperGroup

    from tests.acceptance.conftest import Cli

# Typer says "a command"; with several of them it makes a group.
_GROUP: TyperGroup = get_command(make_app())  # type: ignore[assignment]
COMMANDS = sorted(_GROUP.commands)
READING = (
    ["status"],
    ["show", "g-Made1UpId"],
    ["changes"],
    ["changes", "--bookmark", "mine"],
    ["metrics", "g-Made1UpId"],
    ["search"],
    ["authors"],
    ["stats"],
    ["sql", "SELECT 1"],
    ["plan"],
    ["report"],
    ["backup", "copy.db"],
    ["prune"],
    ["schedule", "--once"],
    ["jobs", "list"],
    ["jobs", "run", "refresh"],
    ["verify"],
    ["digest"],
    ["rebuild"],
    ["upgrade"],
    ["import", ".", "--source", "archive"],
    ["harvest", "g-Made1UpId"],
)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(cli: Cli, command: str) -> None:
    ran = cli(command, "--help")
    assert ran.status == 0
    assert "[[" not in ran.out
    assert all(len(line) <= 80 for line in ran.out.splitlines())
    described = ran.out.split("Options:")[0].split("\n", 1)[1].strip()
    assert described


def test_version_is_that_of_the_package(cli: Cli) -> None:
    assert cli("--version").out == f"gpts-catalog {catalog.__version__}\n"


@pytest.mark.parametrize("words", [["--json", "--version"], ["--version", "--json"]])
def test_version_as_json(cli: Cli, words: list[str]) -> None:
    assert cli(*words).json == {"version": catalog.__version__}


@pytest.mark.parametrize("words", [[], ["sources"]])
def test_no_command_at_all_is_the_help_and_status_2(cli: Cli, words: list[str]) -> None:
    ran = cli(*words)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("Usage: gpts-catalog")
    assert "error" not in ran.err
    assert "See gpts-catalog" not in ran.err


def test_package_is_the_command(cli: Cli) -> None:
    process = cli.start("--version")
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (0, f"gpts-catalog {catalog.__version__}\n", "")


@pytest.mark.parametrize("words", READING, ids=" ".join)
def test_missing_catalog_is_status_4_and_names_the_next_step(cli: Cli, words: list[str]) -> None:
    ran = cli(*words)
    assert ran.status == 4
    assert ran.err.count("\n") == 1
    assert ran.err.startswith("error: there is no catalog at data/catalog.db")
    assert "gpts-catalog init" in ran.err
    assert ran.out == ""


def test_folder_is_no_catalog_and_the_message_says_so(cli: Cli) -> None:
    ran = cli("status", "--catalog", str(cli.folder))
    assert ran.status == 4
    assert "is a folder: name the file of the catalog in it" in ran.err


def test_place_that_cannot_be_written_is_named_with_what_to_do(cli: Cli) -> None:
    assert cli("init").status == 0
    (cli.folder / "taken").write_text("a file, and no folder")
    ran = cli("report", "--output", "taken/report")
    assert ran.status == 1
    assert ran.err == "error: taken/report: Not a directory: check the path\n"


def test_search_of_an_empty_catalog_names_what_fills_it(cli: Cli) -> None:
    assert cli("init").status == 0
    ran = cli("search", "poet", "--tool", "browser")
    assert ran.err.splitlines()[-1].startswith("the catalog holds no GPT yet: gpts-catalog harvest")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nonsense"], "nonsense"),
        (["show"], "REF"),
        (["show", "nonsense"], "'nonsense' names no GPT"),
        (["harvest"], "--refs"),
        (["harvest", "--due", "g-Made1UpId"], "--due"),
        (["harvest", "--refs", "nowhere.txt"], "nowhere.txt"),
        (["changes", "--since", "yesterday"], "2024-02-13"),
        (["changes", "--field", "descripton"], "'description'"),
        (["show", "g-Made1UpId", "--raw", "--history"], "--raw"),
        (["--config", "nowhere.toml", "status"], "gpts-catalog init"),
        (["status", "--catalog", "mysql://x/y"], "--catalog"),
        (["status", "--failed", "r", "--check"], "--failed"),
        (["import", "nowhere"], "there is no file or folder nowhere"),
        (["import", "."], "name their source, as --source archive"),
        (["import", ".", "--source", ""], "a name is made of letters"),
        (["import", ".", "--source", "bad name/../x"], "a name is made of letters"),
        (["import", ".", "--source", "x", "--observed-at", "2035-01-01"], "to now, "),
        (["import", ".", "--source", "x", "--observed-at", "0001-01-01"], "2023-11-01"),
        (["changes", "--since", "2026-02-02", "--until", "2026-02-01"], "is later than"),
        (["harvest", "x", "--limit", "x"], "'--limit': expected a whole number. See"),
        (["harvest", "x", "--limit", "0"], "'--limit': expected at least 1. See"),
        (["simulate-gateway", "--faults", "x"], "'--faults': expected a number. See"),
        (["changes", "--class", "x"], "'--class': expected one of 'content', 'lifecycle'"),
        (
            ["show", "a", "--unheard-of"],
            "No such option: --unheard-of. See gpts-catalog show --help",
        ),
        (["restore", "nowhere.db"], "there is no file nowhere.db"),
        (["jobs", "run", "refresh", "--set", "x"], "NAME=VALUE"),
        (["sources", "check", "--nope"], "See gpts-catalog sources check --help"),
        (["--json"], "Missing command. See gpts-catalog --help"),
    ],
)
def test_wrong_usage_is_status_2_and_one_message(cli: Cli, words: list[str], said: str) -> None:
    ran = cli(*words)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("error: ")
    assert said in ran.err
    assert "Traceback" not in ran.err


def test_damaged_catalog_is_status_4(cli: Cli) -> None:
    cli("init")
    (cli.folder / "data" / "catalog.db").write_bytes(b"no database at all, " * 1000)
    ran = cli("status")
    assert ran.status == 4
    assert "data/catalog.db" in ran.err


def test_newer_catalog_is_status_4_and_says_what_to_install(cli: Cli) -> None:
    cli("init")
    with sqlite3.connect(cli.folder / "data" / "catalog.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    ran = cli("status")
    assert ran.status == 4
    assert "newer" in ran.err


def test_init_makes_a_catalog_and_settings_and_leaves_what_is_there(cli: Cli) -> None:
    first = cli("init")
    assert first.status == 0
    assert "made the catalog data/catalog.db" in first.out
    settings = cli.folder / "catalog.toml"
    settings.write_text(settings.read_text() + "# mine\n")
    again = cli("init")
    assert again.status == 0
    assert again.out.count("left as it is") == 2
    assert settings.read_text().endswith("# mine\n")


def test_init_writes_no_password_into_the_settings(cli: Cli) -> None:
    ran = cli("init", "--catalog", "postgresql://me:very-secret-word@127.0.0.1:1/x")
    assert ran.status == 4
    assert "very-secret-word" not in ran.err + ran.out
    config = cli.folder / "catalog.toml"
    assert not config.exists() or "very-secret-word" not in config.read_text()


def test_options_are_taken_before_and_after_the_command(cli: Cli) -> None:
    assert cli("init", "--catalog", "here.db").status == 0
    (cli.folder / "catalog.toml").unlink()
    before = cli("--json", "--catalog", "here.db", "digest")
    after = cli("digest", "--catalog", "here.db", "--json")
    assert before.json == after.json
    assert len(before.json["digest"]) == 64


def test_environment_names_the_catalog(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPTS_CATALOG_URL", "sqlite:///there.db")
    assert cli("init").status == 0
    assert (cli.folder / "there.db").is_file()


def test_error_shows_no_secret(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cli("init")
    with (cli.folder / "catalog.toml").open("a") as file:
        file.write(
            '[sources.x]\ndialect = "gpts-v2"\nbase_url = "http://127.0.0.1:9"\n'
            f'api_key_env = "{KEY}"\n'
        )
    monkeypatch.setenv(KEY, SIMULATED_KEY)
    ran = cli("show", SIMULATED_KEY)
    assert ran.status == 2
    assert SIMULATED_KEY not in ran.err


def test_export_of_an_empty_catalog_says_that_it_is_empty(cli: Cli) -> None:
    """It said that nothing is as was asked for, where nothing particular was."""
    cli("init")
    assert "no rows: the catalog holds no GPT yet" in cli("export", "all", "--format", "csv").out


def test_reader_that_goes_away_is_met_quietly(cli: Cli) -> None:
    cli("init")
    process = cli.start("status")
    assert process.stdout is not None
    process.stdout.close()
    _, err = process.communicate(timeout=30)
    assert (err, process.returncode) == ("", PIPE_CLOSED)
