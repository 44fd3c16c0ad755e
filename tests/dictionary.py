"""Makes the dictionary that the archive compresses with: ``python -m tests.dictionary FILE``.

From the simulator alone: a dictionary holds pieces of its documents verbatim, and a published one
must hold nobody's texts. A shipped one is never made again, for archives are read with it: when the
simulator has come much closer to real documents, a new version follows under a new encoding.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from catalog.simulator.population import START, Population
from catalog.storage.codec import train
from catalog.times import DAY

SEED = 1
GPTS = 2_000


def simulated_documents(seed: int, gpts: int) -> list[bytes]:
    """One document a GPT, most written as the sources write them, some with spaces and escapes."""
    population = Population(seed, gpts)
    found = []
    for index, gizmo_id in enumerate(population.ids()):
        document = population.document(gizmo_id, START + DAY)
        if document is None:
            continue
        if index % 10:
            text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
        else:
            text = json.dumps(document)
        found.append(text.encode())
    return found


def main() -> None:
    """Write the dictionary to the file that is named."""
    Path(sys.argv[1]).write_bytes(train(simulated_documents(SEED, GPTS)))


if __name__ == "__main__":
    main()
