"""Bytes on disk of real documents that differ in noise alone from the one before.

They lie beside the checkout on machines that have them, and are no part of the project.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
from sqlalchemy import select, union

from catalog.storage import tables as t
from catalog.storage.engine import open_engine, read
from catalog.storage.rows import PER_GPT
from catalog.times import from_iso
from tests.benchmarks.imports import import_file, make_catalog
from tests.benchmarks.places import Places
from tests.planning.history import lines


class RealNoise(msgspec.Struct, frozen=True, kw_only=True):
    """What such documents take.

    Attributes:
        documents: how many there are.
        raw: bytes of one as it was sent.
        catalog: bytes of one in the catalog: by how much it is smaller without them.
    """

    documents: int
    raw: float
    catalog: float


def weigh_noise(places: Places, folder: Path) -> RealNoise | None:
    """Weigh them; None where there are none.

    Args:
        places: where catalogs are made.
        folder: for what is read into them.
    """
    said = lines()
    if not said:
        return None
    whole, url = _weighed(places, folder, said)
    noise = _noise(url)
    places.drop(url)
    rest, url = _weighed(places, folder, [line for line in said if _key(line) not in noise])
    places.drop(url)
    count = len(noise)
    return RealNoise(
        documents=count, raw=sum(noise.values()) / count, catalog=(whole - rest) / count
    )


def _weighed(places: Places, folder: Path, said: list[bytes]) -> tuple[int, str]:
    url, path = make_catalog(places), folder / "real.jsonl"
    path.write_bytes(b"\n".join(said))
    import_file(url, path)
    path.unlink()
    return places.size(url), url


def _key(line: bytes) -> tuple[str, int]:
    said = msgspec.json.decode(line)
    return said["gpt"]["gizmo"]["id"], from_iso(said["observed_at"])


def _noise(url: str) -> dict[tuple[str, int], int]:
    """The sizes of the documents by which no row began, by GPT and time."""
    o, p = t.observations.c, t.payloads
    # A GPT's own row names its last document, whatever that said.
    naming = [
        select(table.c.observation_id)
        for table in PER_GPT
        if table is not t.gizmos and "observation_id" in table.c
    ]
    query = (
        select(o.gizmo_id, o.observed_at, p.c.size)
        .join(p, p.c.payload_id == o.payload_id)
        .where(o.observation_id.not_in(union(*naming)))
    )
    engine = open_engine(url, read_only=True)
    with read(engine) as conn:
        found = {(gizmo_id, at): size for gizmo_id, at, size in conn.execute(query)}
    engine.dispose()
    return found
