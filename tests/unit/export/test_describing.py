from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import yaml

from catalog.export.citing import bibtex, citation
from catalog.export.describing import CARD, CROISSANT, DATA_PACKAGE, describe
from catalog.export.licences import hugging_face
from catalog.export.release import Coverage, Release
from catalog.settings import ExportSettings
from tests.unit.export import made

if TYPE_CHECKING:
    from pathlib import Path

ABOUT = ExportSettings(
    title="GPTs & 100 % of their words", creator="Example_Lab", homepage="https://data.example/g"
)


def described(folder: Path, release: Release | None = None, **more: Any) -> str:
    """The card of a release."""
    describe(release or made.release(), folder, trends=made.TRENDS, **more)
    return (folder / CARD).read_text(encoding="utf-8")


def head(card: str) -> dict[str, Any]:
    """The head of a card, as Hugging Face reads it."""
    found = yaml.safe_load(card.split("---\n")[1])
    assert isinstance(found, dict)
    return found


def test_the_same_release_gives_the_same_bytes(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    written = [describe(made.release(), each, trends=made.TRENDS) for each in (one, two)]
    names = [[path.relative_to(one).as_posix() for path in written[0]]]
    names.append([path.relative_to(two).as_posix() for path in written[1]])
    assert names[0] == names[1] == sorted(names[0])
    assert [path.read_bytes() for path in written[0]] == [path.read_bytes() for path in written[1]]
    assert {CARD, CROISSANT, DATA_PACKAGE, "pictures/growth.svg"} <= set(names[0])


def test_the_head_is_what_hugging_face_reads(tmp_path: Path) -> None:
    assert head(described(tmp_path, about=ABOUT)) == {
        "pretty_name": ABOUT.title,
        "license": "cc-by-4.0",
        "size_categories": ["n<1K"],
        "tags": ["custom-gpts", "gpt-store", "metadata", "profile-public"],
        "configs": [
            {"config_name": "gizmos", "data_files": "gizmos.parquet", "default": True},
            {"config_name": "changes", "data_files": "changes/*.parquet"},
        ],
    }


def test_tables_without_rows_are_not_offered_to_hugging_face(tmp_path: Path) -> None:
    files = [made.file("gizmos.csv", "gizmos", 0), made.file("changes.csv", "changes")]
    configs = head(described(tmp_path, made.release("csv", files)))["configs"]
    assert [each["config_name"] for each in configs] == ["changes"]


@pytest.mark.parametrize(
    ("rows", "words"),
    [(999, "n<1K"), (1000, "1K<n<10K"), (999_999, "100K<n<1M"), (10**9, "1B<n<10B")],
)
def test_the_size_is_a_category_of_hugging_face(tmp_path: Path, rows: int, words: str) -> None:
    files = [made.file("gizmos.csv", "gizmos", rows)]
    card = described(tmp_path, made.release("csv", files))
    assert head(card)["size_categories"] == [words]


@pytest.mark.parametrize(
    ("licence", "said"),
    [
        (None, {"license": "unknown"}),
        ("CC0-1.0", {"license": "cc0-1.0"}),
        ("ODbL-1.0", {"license": "odbl"}),
        (
            "EUPL-1.2",
            {
                "license": "other",
                "license_name": "eupl-1-2",
                "license_link": "https://spdx.org/licenses/EUPL-1.2.html",
            },
        ),
        ("Ask us!", {"license": "other", "license_name": "ask-us-"}),
    ],
)
def test_a_licence_is_said_in_the_words_of_hugging_face(
    licence: str | None, said: dict[str, str]
) -> None:
    assert hugging_face(licence) == said


def test_the_card_tells_the_coverage_and_the_gaps(tmp_path: Path) -> None:
    card = described(tmp_path)
    assert "| GPTs | 4: 3 listed, 0 missing, 1 gone |" in card
    assert "| listed GPTs seen within 7 days | 66.7% |" in card
    assert "- 2026-02-03\n- 2026-02-06 to 2026-02-08 (3 days)\n" in card
    assert "Sources: `one`, `two`." in card


def test_the_longest_gaps_are_told_and_the_others_counted(tmp_path: Path) -> None:
    short = tuple((f"2026-{month:02}-01", f"2026-{month:02}-01") for month in range(1, 13))
    long = ("2027-01-01", "2027-01-31")
    coverage = msgspec.structs.replace(made.COVERAGE, gaps=(*short, long))
    card = described(tmp_path, made.release(coverage=coverage))
    assert "- 2027-01-01 to 2027-01-31 (31 days)" in card
    assert "lists 3 shorter ones as well" in card


def test_the_card_of_an_empty_catalog_says_so(tmp_path: Path) -> None:
    empty = made.release(coverage=Coverage(), files=[made.file("x.csv", None)], created_at=0)
    card = described(tmp_path, empty)
    assert "nothing was observed yet" in card
    assert "| speaks of | a catalog in which nothing was recorded yet |" in card
    assert "(n.d.)" in card
    assert "1970" not in "".join(each.read_text() for each in tmp_path.rglob("*.*"))
    assert "No source has said anything yet." in card


def test_the_card_names_every_column_its_nulls_and_its_unit(tmp_path: Path) -> None:
    card = described(tmp_path)
    for table in (made.GIZMOS, made.CHANGES):
        assert f"### {table.name}" in card
        for column in table.columns:
            assert f"| `{column.name}` | {column.type} |" in card
    assert "| `size` | integer | 50.0% | the size of it (bytes) |" in card


def test_a_small_share_of_nulls_is_not_told_as_none(tmp_path: Path) -> None:
    nulls = {"gizmos": {"name": 1e-9, "size": 1 - 1e-9, "share": 1.0, "sharing": 0.0}}
    card = described(tmp_path, made.release(null_shares=nulls))
    assert "| `name` | string | 0.1% |" in card
    assert "| `size` | integer | 99.9% |" in card
    assert "| `share` | number | 100% |" in card
    assert "| `sharing` | json | 0% |" in card


def test_the_card_says_what_the_profile_leaves_out(tmp_path: Path) -> None:
    public = described(tmp_path / "public")
    assert "Authors stand under keyed pseudonyms" in public
    assert "- `author_socials`, all of it" in public
    assert re.search(r"- of `gizmos`: .*`instructions`", public)
    full = described(tmp_path / "full", made.release(profile="full"))
    assert "author_socials" not in full
    assert "think twice before you publish it" in full


def test_cells_kept_from_being_formulas_are_explained_where_there_are_any(tmp_path: Path) -> None:
    csv = made.release("csv")
    assert "apostrophe" in described(tmp_path / "a", csv, safe_cells=True)
    assert "apostrophe" not in described(tmp_path / "b", csv)


def test_the_card_shows_the_pictures_that_are_there(tmp_path: Path) -> None:
    card = described(tmp_path)
    shown = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", card)
    assert len(shown) == 4
    assert all((tmp_path / each).is_file() for each in shown)
    describe(made.release(), tmp_path / "none")
    assert "## Pictures" not in (tmp_path / "none" / CARD).read_text(encoding="utf-8")


def test_strangers_words_in_the_card_are_no_markup(tmp_path: Path) -> None:
    about = ExportSettings(title="<script>alert(1)</script> [x](javascript:alert(1)) \x1b[31m")
    release = made.release(
        coverage=msgspec.structs.replace(made.COVERAGE, sources=("`; rm", "a|b")),
        filter="search=<b>\u202e",
    )
    card = described(tmp_path, release, about=about)
    body = card.split("---\n", 2)[2]
    assert "\n# \\<script\\>" in body
    assert body.count("](javascript:") == body.count("`[x](javascript:alert(1`") + body.count(
        "  title = {{"
    )
    assert "\x1b" not in body
    assert "\u202e" not in card
    assert head(card)["pretty_name"] == about.title


def test_a_delta_and_a_filter_are_told(tmp_path: Path) -> None:
    card = described(tmp_path, made.release(since=made.AT, filter="tool=dalle"))
    assert "This is a delta" in card
    assert "| only GPTs with | `tool=dalle` |" in card
    assert "| a delta since | 2026-02-13T09:19:19.500000Z |" in card


def test_a_delta_says_which_of_its_rows_are_older(tmp_path: Path) -> None:
    """It said that it held only what is new, and held changes of before."""
    (tmp_path / "whole").mkdir()
    card = described(tmp_path, made.release(since=made.AT))
    assert "in `replaced_gpts`, of which older things were told since, it holds all rows" in card
    assert "`changes` begins 30 days before that moment" in card
    assert "30 days before" not in described(tmp_path / "whole", made.release())


def test_a_release_is_cited_by_version_date_and_digest() -> None:
    line = citation(made.release(), ABOUT)
    assert line.startswith("Example_Lab (2026). GPTs & 100 % of their words, version 2026-02-13")
    assert line.endswith(f"{made.DIGEST}.")
    entry = bibtex(made.release(), ABOUT)
    assert entry.startswith("@misc{gpts-catalog-2026-02-13,\n")
    assert r"author = {{Example\_Lab}}" in entry
    assert r"title = {{GPTs \& 100 \% of their words}}" in entry
    assert "url = {https://data.example/g}" in entry
    assert "author" not in bibtex(made.release(), ExportSettings())


def test_data_package_names_files_hashes_types_and_keys(tmp_path: Path) -> None:
    described(tmp_path, about=ABOUT)
    package = json.loads((tmp_path / DATA_PACKAGE).read_text(encoding="utf-8"))
    gizmos, changes = package["resources"]
    assert gizmos["path"] == "gizmos.parquet"
    assert gizmos["hash"] == f"sha256:{'a' * 64}"
    assert changes["path"] == ["changes/2026-02.parquet", "changes/2026-03.parquet"]
    assert changes["rows"] == 2
    assert not {"bytes", "hash"} & changes.keys()
    assert changes["schema"]["primaryKey"] == ["gizmo_id", "observed_at"]
    kinds = {field["name"]: field["type"] for field in gizmos["schema"]["fields"]}
    assert kinds == {
        "gizmo_id": "string",
        "name": "string",
        "first_seen_at": "datetime",
        "size": "integer",
        "share": "number",
        "is_archived": "boolean",
        "sharing": "string",
    }
    assert package["catalog"]["digest"] == made.DIGEST


def test_croissant_names_every_file_and_every_column(tmp_path: Path) -> None:
    described(tmp_path, about=ABOUT)
    found = json.loads((tmp_path / CROISSANT).read_text(encoding="utf-8"))
    assert [each["@id"] for each in found["distribution"]] == [
        "gizmos.parquet",
        "changes/2026-02.parquet",
        "changes/2026-03.parquet",
        "changes-files",
    ]
    assert found["distribution"][-1]["includes"] == "changes/*.parquet"
    fields = {field["name"] for each in found["recordSet"] for field in each["field"]}
    assert fields == {each.name for table in (made.GIZMOS, made.CHANGES) for each in table.columns}
    assert found["rai:dataCollectionTimeFrame"] == ["2026-02-01", "2026-02-13"]
    assert found["datePublished"] == "2026-02-13"


def test_one_file_with_all_tables_is_described_as_that(tmp_path: Path) -> None:
    card = described(tmp_path, made.release("sqlite"))
    assert "configs" not in head(card)
    assert "| `catalog.sqlite` | 4 |" in card
    package = json.loads((tmp_path / DATA_PACKAGE).read_text(encoding="utf-8"))
    assert [each["profile"] for each in package["resources"]] == ["data-resource"]
    assert (
        "recordSet" not in (tmp_path / CROISSANT).read_text()
        or not json.loads((tmp_path / CROISSANT).read_text())["recordSet"]
    )
