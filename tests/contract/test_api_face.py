"""The Python API as it is seen from outside: its names, and what they load."""

from __future__ import annotations

import inspect
import subprocess
import sys
from typing import Any

import pytest

import catalog
from catalog import Catalog, Reader
from catalog.query.past import Past
from tests.conftest import ROOT

FACE = {
    "arrivals": "since until",
    "ask": "question",
    "at": "when",
    "author": "who *works",
    "authors": "text *sort *limit *after",
    "changes": "ref *since *until *field *cls *kind *author *category *everything",
    "changes_page": "wanted *latest *after *limit",
    "close": "",
    "count": "wanted *limit *at",
    "create": "url *config *environ *clock",
    "departures": "since until",
    "digest": "*kept",
    "drift": "limit",
    "export": "folder *form *profile *tables *wanted *at *since *options *version *previous"
    " *expect",
    "facets": "wanted *names *exact *at",
    "get": "ref *at *known_at",
    "harvest": "refs *source *due *limit",
    "health": "now",
    "history": "ref *until *known_at",
    "import_files": "paths source *observed_at",
    "iterate": "wanted *sort *at",
    "mass_events": "event_ids",
    "merge": "other",
    "metrics": "ref *until",
    "movers": "since until *by *limit",
    "open": "url *deriver *sql_url *read_only *config *environ *clock",
    "original": "ref *at *known_at",
    "overview": "now",
    "rebuild": "",
    "rebuild_to": "other *known_at",
    "search": "wanted *sort *limit *after *at",
    "set_bookmark": "name mark",
    "since_bookmark": "name wanted",
    "sql": "text *seconds *rows *parameters *stop",
    "state": "",
    "stats": "",
    "status": "now",
    "unmapped": "limit",
    "upgrade": "url *clock",
    "verify": "",
    "verify_export": "folder",
}
"""The public face: what people's programs call. ``*`` marks arguments that are named."""


PAST = {
    "count": "wanted *limit",
    "facets": "wanted *names *exact",
    "get": "ref",
    "history": "ref",
    "iterate": "wanted *sort",
    "metrics": "ref",
    "original": "ref",
    "search": "wanted *sort *limit *after",
}


def _face(owner: type[Any]) -> dict[str, str]:
    found = {}
    for name, member in inspect.getmembers(owner, callable):
        if name.startswith("_"):
            continue
        parameters = inspect.signature(member).parameters.values()
        found[name] = " ".join(
            ("*" if each.kind is each.KEYWORD_ONLY else "") + each.name
            for each in parameters
            if each.name != "self"
        )
    return found


def test_public_face_is_what_it_was() -> None:
    assert _face(Catalog) == FACE
    beyond = {
        *(
            "create",
            "digest",
            "export",
            "harvest",
            "health",
            "import_files",
            "merge",
            "rebuild",
            "rebuild_to",
        ),
        *("set_bookmark", "upgrade", "verify", "verify_export"),
    }
    reader = {name: face for name, face in FACE.items() if name not in beyond}
    assert _face(Reader) == reader | {"open": "url *deriver *sql_url"}
    assert _face(Past) == PAST


def test_package_exports_what_it_names() -> None:
    assert dir(catalog) == sorted(catalog.__all__)
    for name in catalog.__all__:
        assert getattr(catalog, name) is not None
    with pytest.raises(AttributeError, match="Nothing"):
        _ = catalog.Nothing


@pytest.mark.parametrize("module", ["catalog", "catalog.errors", "catalog.references"])
def test_importing_the_package_loads_no_library(module: str) -> None:
    heavy = ("sqlalchemy", "alembic", "httpx", "msgspec", "rich", "typer", "catalog.api")
    code = f"import sys, {module}; print(*sorted(set({heavy}) & sys.modules.keys()))"
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ran.stdout.split() in ([], ["msgspec"] if module != "catalog" else [])
