"""``make guided``: a fuzzer that looks which branches its bytes reach, on decoder and references.

Run as ``python -m tests.fuzz.guided TARGET RUNS``. Atheris has an environment of its own: it has
wheels for Linux and some Pythons alone.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from urllib.parse import unquote

import atheris

with atheris.instrument_imports(include=["catalog"]):
    from catalog.dialects.recorded import read_value
    from catalog.errors import InvalidReference, NormalizeError
    from catalog.normalize import normalize
    from catalog.references import is_gizmo_id, parse_reference, read_references

import msgspec

from tests.fuzz.mutation import TEXTS
from tests.fuzz.seeds import seeds

_WRAPPINGS = ("gizmo", "", "info.gizmo", "flat", "data.gizmo", "gizmo.gizmo")
_SEEDS = 60
"""Documents to begin with; more make the first round long and reach nothing else."""


def try_decoder(data: bytes) -> None:
    """What a file's value says, and each document in it."""
    found = read_value(data)
    if not (found.readings or found.mentions or found.refusals):
        raise AssertionError("lost without a word")
    for reading in found.readings:
        try:
            normalize(reading.payload, reading.wrapping)
        except NormalizeError:
            continue
    try:
        normalize(data, _WRAPPINGS[len(data) % len(_WRAPPINGS)])
    except NormalizeError:
        return


def try_references(data: bytes) -> None:
    """One reference, and a list of them."""
    text = data.decode("utf-8", "surrogateescape")
    try:
        found = parse_reference(text)
    except InvalidReference as error:
        if not error.reason:
            raise AssertionError("refused without a reason") from error
    else:
        if not is_gizmo_id(found) or found not in unquote(text):
            raise AssertionError(f"{found!r} is no id that stands there")
    lines = read_references(text.splitlines())
    if not all(map(is_gizmo_id, lines.ids)):
        raise AssertionError("a list holds what is no id")


def main() -> None:
    """Fuzz one of the two; libFuzzer ends the process."""
    target, runs = sys.argv[1:3]
    decoder = target == "decoder"
    with tempfile.TemporaryDirectory(prefix="gpts-guided-") as folder:
        first: list[bytes] = (
            [msgspec.json.encode(value) for value in seeds()[:_SEEDS]]
            if decoder
            else [text.encode("utf-8", "surrogatepass") for text in TEXTS]
        )
        for number, data in enumerate(first):
            (Path(folder) / str(number)).write_bytes(data)
        words = [sys.argv[0], f"-runs={runs}", "-max_len=16384", "-print_final_stats=1", folder]
        atheris.Setup(words, try_decoder if decoder else try_references)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
