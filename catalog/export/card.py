"""``README.md``: the card of an export, with the head that Hugging Face reads. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import yaml

from catalog.decide.marks import FLAP_WINDOW
from catalog.export.citing import bibtex, citation
from catalog.export.layout import Laid, is_catalog, laid_out, together
from catalog.export.licences import hugging_face
from catalog.export.loading import Snippet, snippets
from catalog.export.reading import REPLACED
from catalog.export.release import MANIFEST, Column, Release
from catalog.export.telling import HARVESTED, LIMITS, lead, left_out, personal
from catalog.query.covered import Coverage
from catalog.query.exported import TABLES
from catalog.report.markdown import code, escaped
from catalog.settings import ExportSettings
from catalog.times import DAY, to_iso
from catalog.wording.text import count, harmless, number, size

MOST_GAPS = 10
_BLANK = re.compile(r"\n{3,}")
_SIZES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
    (100_000_000, "10M<n<100M"),
    (1_000_000_000, "100M<n<1B"),
)
_LARGEST = "1B<n<10B"
_TAGS = ("custom-gpts", "gpt-store", "metadata")
TEXTS = (
    "Texts are as the sources sent them, after one HTML-unescape. U+0000, lone surrogates and"
    " U+FDD0 itself, which many programs refuse, are written as U+FDD0 and the four hexadecimal"
    " digits of the character, so U+0000 as U+FDD0 followed by `0000`."
)

CSV = 'In CSV an empty text is `""`, and null is nothing at all between two commas.'
WHOLE = (
    "The file is a catalog as the program keeps it: it has more tables and columns than are listed"
    " here, and times in tables are microseconds since 1970 (UTC). Ask its views: `v_gpts`,"
    " `v_changes` and the like."
)
SAFE_CELLS = (
    "A text that a spreadsheet could take for a formula, or that begins with an apostrophe, has an"
    " apostrophe before it: take that away to have the text."
)


def card(
    release: Release,
    about: ExportSettings,
    pictures: Mapping[str, str],
    *,
    safe_cells: bool = False,
) -> str:
    """The card of an export.

    Args:
        release: the export.
        about: what it is called, and whose it is.
        pictures: what each picture shows, by its path.
        safe_cells: whether texts of CSV were kept from being formulas.
    """
    laid = laid_out(release)
    lines = [
        "---",
        yaml.safe_dump(_head(release, about, laid), sort_keys=False, allow_unicode=True).rstrip(),
        "---",
        "",
        f"# {escaped(harmless(about.title))}",
        "",
        lead(release),
        "",
        *_state(release),
        *_section("Coverage", _coverage(release.coverage)),
        *(_section("Pictures", _pictures(pictures)) if pictures else ()),
        *_section("How it was harvested", (" ".join(HARVESTED), "", _sources(release.coverage))),
        *_section("What it cannot tell", _bullets(LIMITS)),
        *_section("People", _people(release)),
        *_section("Files", _files(release, laid)),
        *_section("How to load it", _loading(snippets(release))),
        *_section("How to cite it", _citing(release, about)),
        *_section("Fields", _fields(release, safe_cells=safe_cells)),
    ]
    return _BLANK.sub("\n\n", "\n".join(lines)).rstrip() + "\n"


def _head(release: Release, about: ExportSettings, laid: Sequence[Laid]) -> dict[str, Any]:
    head: dict[str, Any] = {"pretty_name": about.title}
    head |= hugging_face(release.licence)
    head["size_categories"] = [_size(sum(release.rows().values()))]
    head["tags"] = [*_TAGS, f"profile-{release.profile}"]
    # Hugging Face shows tables of these formats alone, and only tables that have rows.
    shown = [each for each in laid if each.rows]
    if shown:
        head["configs"] = [
            {"config_name": each.table.name, "data_files": each.pattern}
            | ({"default": True} if each is shown[0] else {})
            for each in shown
        ]
    return head


def _size(rows: int) -> str:
    return next((words for most, words in _SIZES if rows < most), _LARGEST)


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    yield f"## {title}"
    yield ""
    yield from lines
    yield ""


def _bullets(lines: Iterable[str]) -> list[str]:
    return [f"- {line}" for line in lines]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"


def _people(release: Release) -> Iterator[str]:
    yield from _bullets(personal(release))
    out = left_out(release)
    if out:
        yield ""
        yield f"Profile `{release.profile}` leaves out:"
        yield ""
        for table, columns in out.items():
            what = f"of {code(table)}: {', '.join(map(code, columns))}"
            yield f"- {what if columns else f'{code(table)}, all of it'}"
        yield ""
        yield (
            "What changed in a field that is left out is left out of `changes` and `mass_events`"
            " too: they may have fewer rows than the coverage counts."
        )


def _state(release: Release) -> Iterator[str]:
    rows = [
        ("version", escaped(release.version)),
        ("speaks of", _speaks_of(release)),
        ("profile", release.profile),
        ("format", release.format),
        ("licence", "none was named" if release.licence is None else escaped(release.licence)),
        ("state of the catalog", code(release.catalog_digest)),
        ("schema of the catalog", code(release.schema_version)),
    ]
    if release.filter is not None:
        rows.append(("only GPTs with", code(harmless(release.filter))))
    if release.since is not None:
        rows.append(("a delta since", to_iso(release.since)))
    yield from _table(("", ""), rows)
    yield ""
    if release.since is not None:
        yield from _delta(release)
    yield (
        f"`{MANIFEST}` names every file with its rows, length and SHA-256, and ends with the digest"
        " of this release; `gpts-catalog export --verify DIR` checks them all. The state of the"
        " catalog is what `gpts-catalog digest --kept` prints of the one that this was made from."
    )
    yield ""


def _delta(release: Release) -> Iterator[str]:
    """What a delta holds, and how it is put on the export of then."""
    names = [table.name for table in release.tables]
    yield (
        "A delta holds the rows that may have come or moved since that moment, to be put on the"
        " export of then: they take the place of rows with the same key. Of the GPTs in"
        f" {code(REPLACED.name)}, of which older things were told since, it holds all rows: those"
        " of before go."
    )
    if "changes" in names:
        yield (
            f"{code('changes')} begins {FLAP_WINDOW // DAY} days before that moment: what is new"
            " may show that an older change was taken back."
        )
    whole = [code(name) for name in names if name in TABLES and TABLES[name].shape == "whole"]
    if whole:
        yield f"Whole in every delta: {', '.join(whole)}."
    yield ""


def _speaks_of(release: Release) -> str:
    if release.speaks_of is None:
        return "a catalog in which nothing was recorded yet"
    return f"the catalog as of {to_iso(release.speaks_of)}"


def _coverage(covered: Coverage) -> Iterator[str]:
    yield from _table(
        ("", ""),
        [
            (
                "GPTs",
                (
                    f"{number(covered.gpts)}: {number(covered.listed)} listed,"
                    f" {number(covered.missing)} missing, {number(covered.gone)} gone"
                ),
            ),
            ("authors", number(covered.authors)),
            ("observations", number(covered.observations)),
            ("changes", number(covered.changes)),
            ("first observed", _moment(covered.first_observed)),
            ("last observed", _moment(covered.last_observed)),
            ("days with observations", number(covered.days_observed)),
            *(
                (
                    f"listed GPTs seen within {count(age, 'day')}",
                    f"{share:.1%}" if covered.listed else "–",
                )
                for age, share in sorted(covered.confirmed_within.items())
            ),
        ],
    )
    yield ""
    yield from _gaps(covered)


def _gaps(covered: Coverage) -> Iterator[str]:
    if not covered.gaps:
        if covered.days_observed:
            yield "No day between the first and the last is without an observation."
        return
    longest = sorted(covered.gaps, key=lambda gap: (-_days(gap), gap))[:MOST_GAPS]
    rest = len(covered.gaps) - len(longest)
    yield "Known gaps: on these days nothing was observed, so what changed then is dated later."
    yield ""
    for first, last in sorted(longest):
        days = _days((first, last))
        yield f"- {first}" if days == 1 else f"- {first} to {last} ({count(days, 'day')})"
    if rest:
        yield ""
        yield f"These are the longest; `{MANIFEST}` lists {count(rest, 'shorter one')} as well."


def _days(gap: tuple[str, str]) -> int:
    first, last = map(date.fromisoformat, gap)
    return (last - first).days + 1


def _moment(at: int | None) -> str:
    return "–" if at is None else to_iso(at)


def _pictures(pictures: Mapping[str, str]) -> Iterator[str]:
    for path, words in pictures.items():
        yield f"![{escaped(words)}]({path})"
        yield ""


def _sources(covered: Coverage) -> str:
    if not covered.sources:
        return "No source has said anything yet."
    return f"Sources: {', '.join(code(harmless(name)) for name in covered.sources)}."


def _files(release: Release, laid: Sequence[Laid]) -> Iterator[str]:
    yield from _table(
        ("files", "rows", "size", "what they hold"),
        [
            *(
                (
                    code(each.pattern),
                    number(each.rows),
                    size(sum(file.bytes for file in each.files)),
                    each.table.description,
                )
                for each in laid
            ),
            *(
                (code(file.path), number(file.rows), size(file.bytes), "all tables")
                for file in together(release)
            ),
        ],
    )


def _loading(found: Sequence[Snippet]) -> Iterator[str]:
    for each in found:
        yield f"{each.title}:"
        yield ""
        yield f"```{each.language}"
        yield from each.lines
        yield "```"
        yield ""


def _citing(release: Release, about: ExportSettings) -> Iterator[str]:
    yield f"> {escaped(harmless(citation(release, about)))}"
    yield ""
    yield "```bibtex"
    yield harmless(bibtex(release, about), lines=True)
    yield "```"


def _fields(release: Release, *, safe_cells: bool) -> Iterator[str]:
    yield "Times are UTC. JSON is text in canonical form: members sorted, no blanks."
    yield TEXTS
    if is_catalog(release):
        yield WHOLE
    if release.format == "csv":
        yield CSV
        if safe_cells:
            yield SAFE_CELLS
    yield ""
    for table in release.tables:
        yield f"### {table.name}"
        yield ""
        yield f"{table.description} A row is named by {', '.join(map(code, table.key))}."
        yield ""
        nulls = release.null_shares.get(table.name, {})
        yield from _table(
            ("column", "type", "null", "what it says"),
            (_field(column, nulls) for column in table.columns),
        )
        yield ""


def _field(column: Column, nulls: Mapping[str, float]) -> tuple[str, ...]:
    if column.name in nulls:
        share = _percent(nulls[column.name])
    else:
        share = "" if column.nullable else "never"
    unit = f" ({column.unit})" if column.unit else ""
    return (code(column.name), column.type, share, f"{column.description}{unit}")


def _percent(share: float) -> str:
    """A share that is never rounded to none or all where it is neither."""
    if share in {0.0, 1.0}:
        return f"{share:.0%}"
    return f"{min(max(share, 0.001), 0.999):.1%}"
