"""What fuzzing begins with: documents of a simulated population, and real examples where there are.

Every seed is a JSON value in one of the forms in which gateways and files hold documents.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import msgspec

from catalog.simulator import Mount, Population
from catalog.simulator.wrappings import batch, chat_search, detail, search
from catalog.times import DAY, to_iso
from tests.unit.normalize.documents import whole

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT.parent / "shared" / "examples"
"""Real documents beside the checkout; their absence only makes the seeds fewer."""
COUNT = 150
"""Simulated GPTs; each gives a document at two moments."""
_LARGEST = 64 * 2**10
"""Bytes of a real example that is still a seed: fuzzing larger ones tries the same code slower."""


def seeds() -> list[Any]:
    """JSON values to begin with, always in the same order."""
    population = Population(9, COUNT, pace=20)
    found: list[Any] = [whole()]
    documents: list[dict[str, Any]] = []
    for gizmo_id in population.ids():
        for at in (population.start, population.start + 40 * DAY):
            document = population.document(gizmo_id, at)
            if document is not None:
                documents.append(document)
                mount = list(Mount)[len(documents) % len(Mount)]
                found.append(msgspec.json.decode(detail(mount, document, at)))
                found.append({"observed_at": to_iso(at), "gpt": document})
    few, at = documents[:4], population.start
    found += [
        msgspec.json.decode(answer)
        for answer in (
            batch(Mount.CHAT, few, at),
            batch(Mount.CHAT_OBJECT, few, at),
            search(few, "tide", at),
            chat_search(few, at),
        )
    ]
    return found + list(real_seeds())


def real_seeds() -> list[Any]:
    """The real examples that are small enough; none where they are not there."""
    found: list[Any] = []
    for path in sorted(EXAMPLES.glob("*.json*")) if EXAMPLES.is_dir() else []:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        lines = data.splitlines() if ".jsonl" in path.name else [data]
        found += [json.loads(line) for line in lines[:100] if len(line) <= _LARGEST]
    return found
