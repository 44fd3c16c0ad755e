"""How an export is cited. Pure."""

from __future__ import annotations

import re

from catalog.export.release import Release
from catalog.settings import ExportSettings
from catalog.times import day_of

_SIGNS = re.compile(r"[\\{}&%$#_~^]")
_SPELLED = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}


def citation(release: Release, about: ExportSettings) -> str:
    """The release in a line, as lists of references have it."""
    who = f"{about.creator} ({_year(release)}). " if about.creator else ""
    when = "" if about.creator else f" ({_year(release)})"
    where = f" {about.homepage}." if about.homepage else ""
    return (
        f"{who}{about.title}{when}, version {release.version}, profile {release.profile}"
        f" [data set].{where} State of the catalog: {release.catalog_digest}."
    )


def bibtex(release: Release, about: ExportSettings) -> str:
    """The release as a BibTeX entry."""
    key = re.sub(r"[^a-z0-9]+", "-", f"{release.name}-{release.version}".lower()).strip("-")
    fields = {
        "author": "" if about.creator is None else f"{{{_tex(about.creator)}}}",
        "title": f"{{{_tex(about.title)}}}",
        "year": _year(release),
        "version": _tex(release.version),
        # A URL is not spelled: \url takes it as it stands.
        "url": about.homepage or "",
        "note": f"Data set, profile {release.profile}, state {release.catalog_digest}",
    }
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join([f"@misc{{{key},", *lines, "}"])


def _year(release: Release) -> str:
    # What has no date is cited as "n.d."
    return "n.d." if release.speaks_of is None else day_of(release.speaks_of)[:4]


def _tex(text: str) -> str:
    return _SIGNS.sub(lambda found: _SPELLED.get(found[0], f"\\{found[0]}"), text)
