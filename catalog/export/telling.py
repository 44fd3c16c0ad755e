"""What is said of every export, in its card and in its descriptions. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from catalog.export.layout import is_catalog
from catalog.export.profiles import action
from catalog.export.release import ProfileName, Release
from catalog.query.exported import TABLES
from catalog.times import day_of
from catalog.wording.text import count

HARVESTED = (
    "Gateways were asked for GPTs by their ids, politely and within a budget.",
    (
        "Every document that came back was archived, byte for byte, and the tables were derived"
        " from the archive: the same archive always gives the same tables."
    ),
    "An id is known because a search, a list or a person named it.",
    (
        "A GPT is missing once a source that is otherwise well says that there is no such GPT, and"
        " gone when one says so again on a later day; a failed request says nothing about any GPT."
    ),
    "Reordered lists, re-hosted pictures and moving counters are not taken for changes.",
)
"""How the data came to be."""

LIMITS = (
    "Not every GPT is in it: only those that a search, a list or a person named are.",
    (
        "GPTs are visited one after the other, some often, some rarely. A change is dated by the"
        " visit that saw it; `not_before` says when the old value was last confirmed."
    ),
    (
        "Numbers of conversations are often lower bounds, as `25K+`;"
        " `conversations_exact` says which."
    ),
    (
        "What GPTs and their authors say of themselves is theirs: unverified, and possibly false"
        " or offensive."
    ),
)
"""What it cannot tell."""

_PERSONAL: dict[ProfileName, tuple[str, ...]] = {
    "public": (
        (
            "Authors stand under keyed pseudonyms: one author has one pseudonym in all releases"
            " that are made with one key, and nobody can undo it without that key."
        ),
        (
            "Names and accounts of authors are left out; links, mail addresses, handles and"
            " telephone numbers in texts are replaced by `[link]`, `[mail]`, `[handle]` and"
            " `[phone]`."
        ),
        "Names, descriptions and prompt starters of GPTs are free text, and may still name people.",
    ),
    "research": (
        "Authors stand with the names and ids that they publish under, without their accounts.",
        "Mail addresses in texts are replaced by `[mail]`.",
        "Texts of GPTs are as their authors wrote them otherwise, and may name people.",
    ),
    "full": (
        (
            "Everything that the sources told is in it, names, links and accounts of people"
            " included: think twice before you publish it."
        ),
    ),
}


def lead(release: Release) -> str:
    """What an export is, in a sentence or two."""
    covered = release.coverage
    when = (
        "; nothing was observed yet"
        if covered.first_observed is None or covered.last_observed is None
        else f", observed from {day_of(covered.first_observed)} to {day_of(covered.last_observed)}"
    )
    new = (
        ""
        if release.since is None
        else " This is a delta: it holds what may have come or moved since the moment it names."
    )
    return (
        "What is publicly said about custom GPTs, and how it changed:"
        f" {count(covered.gpts, 'GPT')} of {count(covered.authors, 'author')}{when}.{new}"
    )


def personal(release: Release) -> tuple[str, ...]:
    """What an export says about people."""
    return _PERSONAL[release.profile]


def left_out(release: Release) -> dict[str, tuple[str, ...]]:
    """What the profile keeps out, by table; a table without columns is out as a whole.

    Of tables of which nothing is kept at all, and of those that were exported: others are out
    because nobody asked for them. Of a copy of the catalog nothing is out.
    """
    if is_catalog(release):
        return {}
    exported = {table.name for table in release.tables}
    found: dict[str, tuple[str, ...]] = {}
    for name in TABLES:
        out = tuple(_out(release.profile, name))
        if len(out) == len(TABLES[name].columns):
            found[name] = ()
        elif out and name in exported:
            found[name] = out
    return found


def _out(profile: ProfileName, table: str) -> Iterator[str]:
    for column in TABLES[table].columns:
        if action(profile, table, column.name) == "-":
            yield column.name
