"""Keys, files and addresses: what docs/security.md says of them, tried on the real command."""

from __future__ import annotations

import base64
import gzip
import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from catalog.derive import Derivation
from catalog.simulator import START, Population, running_gateway, write_ids
from catalog.storage.backup import back_up, restore
from catalog.storage.migrate import init

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
KEY = "sk-Very+Secret/Key=0123456789"
GPTS = 12
OTHERS_MAY = stat.S_IRWXG | stat.S_IRWXO


class Place:
    """A folder in which commands run, and where all lands that they write.

    Args:
        folder: an empty one.
        base_url: of the gateway.
        clock: its clock.
    """

    def __init__(self, folder: Path, base_url: str, clock: str) -> None:
        self.folder = folder
        (folder / "temporary").mkdir()
        (folder / "catalog.toml").write_text(
            f"""
[sources.simulated]
dialect = "gpts-v2"
base_url = "{base_url}"
api_key_env = "SIMULATED_KEY"
requests_per_second = 1000
""",
            encoding="utf-8",
        )
        self._environ = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "HOME": str(folder),
            "TMPDIR": str(folder / "temporary"),
            "SIMULATED_KEY": KEY,
            "GPTS_CATALOG_CLOCK": clock,
        }
        self._runs = 0

    def run(self, *words: str, fine: tuple[int, ...] = (0,)) -> str:
        """Give a command; what it prints lands in the folder, too."""
        done = subprocess.run(
            [sys.executable, "-m", "catalog", *words],
            cwd=self.folder,
            env=self._environ,
            umask=0o022,
            capture_output=True,
            check=False,
            text=True,
            timeout=300,
        )
        assert done.returncode in fine, done.stderr
        self._runs += 1
        (self.folder / f"printed-{self._runs}").write_text(done.stdout + done.stderr)
        return done.stdout

    def files(self) -> Iterator[Path]:
        """All that was written."""
        return (path for path in self.folder.rglob("*") if path.is_file())


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    population = Population(8, GPTS)
    with running_gateway(population, key=KEY) as gateway:
        folder = tmp_path / "place"
        folder.mkdir()
        write_ids(population, folder / "ids.txt")
        yield Place(folder, gateway.url("plain"), gateway.clock_url)


def _spellings(key: str) -> set[bytes]:
    """The key as it could be written down."""
    found = {key, quote(key), quote(key, safe=""), json.dumps(key)[1:-1], key[::-1]}
    found |= {base64.b64encode(b"x" * each + key.encode())[4:-4].decode() for each in range(3)}
    return {each.encode() for each in found} | {
        key.encode("utf-16-le"),
        key.encode().hex().encode(),
    }


def test_no_byte_of_a_run_holds_the_key(place: Place) -> None:
    """A harvest, a refused key, exports, a backup, a report: whatever is written is searched."""
    place.run("init")
    place.run("sources", "check")
    place.run("harvest", "--refs", "ids.txt", "--source", "simulated", fine=(0, 1))
    for form in ("csv", "sqlite"):
        place.run("export", f"release-{form}", "--format", form, "--profile", "full")
    place.run("backup", "backup.db")
    place.run("report", fine=(0, 1, 2))
    place.run("status", fine=(0, 1))
    place.run("harvest", "g-nothing00", "--source", "simulated", fine=(0, 1, 3))
    spellings = _spellings(KEY)
    files = list(place.files())
    assert len(files) > 10
    assert [
        path.name for path in files if any(each in path.read_bytes() for each in spellings)
    ] == []


def test_catalog_and_backup_are_their_owners_alone(tmp_path: Path) -> None:
    """Though files are readable by all where nothing is said of it."""
    before = os.umask(0o022)
    try:
        url = f"sqlite:///{tmp_path / 'catalog.db'}"
        init(url, START)
        back_up(url, tmp_path / "backup.db", START)
        again = f"sqlite:///{tmp_path / 'again.db'}"
        restore(tmp_path / "backup.db", again, START, Derivation())
    finally:
        os.umask(before)
    kept = list(tmp_path.glob("*.db*"))
    assert {"catalog.db", "backup.db", "again.db"} <= {path.name for path in kept}
    assert [path.name for path in kept if path.stat().st_mode & OTHERS_MAY] == []


def test_a_name_in_a_packed_file_leads_nowhere(place: Place) -> None:
    """A packed file holds the name of what was packed: nothing is made of it."""
    place.run("init")
    before = {path.name for path in place.folder.parent.rglob("*")}
    line = b'{"gizmo": {"id": "g-Packed001", "display": {"name": "../../up"}}}\n'
    with (
        (place.folder / "lines.jsonl.gz").open("wb") as raw,
        gzip.GzipFile("../../elsewhere.jsonl", "wb", fileobj=raw) as packed,
    ):
        packed.write(line)
    place.run("import", "lines.jsonl.gz", "--source", "recorded")
    after = {path.name for path in place.folder.parent.rglob("*")}
    assert not {name for name in after - before if "elsewhere" in name or name == "up"}
    assert "g-Packed001" in place.run("show", "g-Packed001")


def test_no_address_in_a_document_is_asked_for(tmp_path: Path) -> None:
    """Pictures, links and schemas name addresses; the gateway alone is asked, and for ids alone."""
    population = Population(8, GPTS)
    with running_gateway(population, key=KEY) as gateway:
        folder = tmp_path / "place"
        folder.mkdir()
        base = gateway.url("plain")
        documents = [
            {
                "gizmo": {
                    "id": f"g-Address0{number}",
                    "display": {
                        "name": "x",
                        "profile_picture_url": f"{base}/picture",
                        "description": f"![x]({base}/described)",
                    },
                    "author": {"link_to": f"{base}/author", "display_name": "x"},
                },
                "tools": [
                    {
                        "type": "plugins_prototype",
                        "metadata": {"domain": "127.0.0.1", "privacy_policy_url": f"{base}/policy"},
                    }
                ],
            }
            for number in range(3)
        ]
        lines = "".join(json.dumps(each) + "\n" for each in documents)
        (folder / "lines.jsonl").write_text(lines, encoding="utf-8")
        made = Place(folder, base, "2026-03-01T00:00:00Z")
        made.run("init")
        made.run("import", "lines.jsonl", "--source", "recorded")
        made.run("show", "g-Address01")
        made.run("export", "release", "--format", "csv", "--profile", "full")
        made.run("report", fine=(0, 1, 2))
        assert gateway.gateway.requests == 0
