"""The API against its own description, by schemathesis: what it says is what it does.

``GPTS_WEB_EXAMPLES`` says how many examples an operation gets: few always, 1,000 for a campaign.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from catalog.storage.engine import open_engine, write
from catalog.storage.frontier import add_ids
from tests.contract.reading import fill, reader_of, simulated
from tests.databases import NOW
from tests.serving import options, served

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLES = int(os.environ.get("GPTS_WEB_EXAMPLES", "2"))
IS_CAMPAIGN = EXAMPLES >= 100
PHASES = "examples,coverage,fuzzing" if IS_CAMPAIGN else "examples,fuzzing"
ENGINES = ["sqlite", "postgres"] if IS_CAMPAIGN else ["sqlite"]
# A cursor, a reference or SQL can be as declared and mean nothing: 422. What a path names need
# not be there: 404. An address of several long lists is too long: 414.
CONFIG = """\
[checks]
positive_data_acceptance.expected-statuses = ["2xx", "304", "404", "414", "422"]
# The token is for servers that others reach.
missing_required_header.enabled = false
ignored_auth.enabled = false

[parameters]
"path.ref" = {refs}
"path.run_id" = ["none"]
"path.author" = {authors}
"path.name" = ["tool-adoption", "renames"]
"""


@pytest.fixture
def home(catalog_url: str) -> Iterator[str]:
    observations = simulated(30, 3)
    fill(catalog_url, observations)
    engine = open_engine(catalog_url)
    with write(engine) as conn:
        add_ids(conn, [each.gizmo_id for each in observations], NOW)
    engine.dispose()
    with reader_of(catalog_url) as sql_url, served(options(catalog_url, sql_url=sql_url)) as found:
        yield found


def _some(home: str, path: str, name: str) -> str:
    """Some ids that are there, as TOML."""
    items = httpx.get(f"{home}/api/{path}?limit=3", timeout=60).json()["items"]
    return json.dumps([each[name] for each in items])


@pytest.mark.parametrize("engine_name", ENGINES, indirect=True)
def test_the_api_is_as_it_is_described(home: str, tmp_path: Path) -> None:
    config = tmp_path / "schemathesis.toml"
    refs, authors = _some(home, "gpts", "gizmo_id"), _some(home, "authors", "user_id")
    config.write_text(CONFIG.format(refs=refs, authors=authors))
    command = Path(sys.executable).with_name("st")
    ran = subprocess.run(
        [
            str(command),
            "--config-file",
            str(config),
            "run",
            f"{home}/openapi.json",
            f"--max-examples={EXAMPLES}",
            f"--phases={PHASES}",
            "--wait-for-schema=60",
            "--suppress-health-check=all",
            "--seed=1",
            # What an earlier run found is not what this one looks at.
            "--generation-database=none",
            "--no-color",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-10_000:] + ran.stderr[-2_000:]
