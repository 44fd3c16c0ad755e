"""Makes a dictionary to compress with: ``python -m tests.dictionary payloads|states FILE``.

From the simulator alone: a dictionary holds pieces of its documents verbatim, and a published one
must hold nobody's texts. A shipped one is never made again, for archives are read with it: when the
simulator has come much closer to real documents, a new version follows under a new encoding.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from catalog.derive import Derivation
from catalog.records import Statement
from catalog.simulator.population import START, Population
from catalog.storage.codec import PAYLOADS, STATES, train
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


def simulated_states(seed: int, gpts: int) -> list[bytes]:
    """The state of each GPT's fold, when it was seen once, by a source or by an import."""
    rules = Derivation()
    found = []
    for index, payload in enumerate(simulated_documents(seed, gpts)):
        document = rules.document(payload, "gizmo")
        said = Statement(
            observation_id=index,
            source=("archive", "gateway")[index % 2],
            observed_at=START + DAY + index,
            document=document,
        )
        found.append(rules.fold(document.gizmo_id, None, [said]).state)
    return found


SAMPLES = {"payloads": (PAYLOADS, simulated_documents), "states": (STATES, simulated_states)}


def main() -> None:
    """Write the dictionary to the file that is named."""
    number, samples = SAMPLES[sys.argv[1]]
    Path(sys.argv[2]).write_bytes(train(samples(SEED, GPTS), number))


if __name__ == "__main__":
    main()
