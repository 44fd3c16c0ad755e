from __future__ import annotations

import hashlib
import random
from importlib import resources
from typing import TYPE_CHECKING

import pytest
import zstandard

from catalog.errors import CatalogCorrupt, SettingsError
from catalog.storage import codec
from catalog.storage.codec import (
    DICTIONARY_SIZE,
    PAYLOADS,
    STATES,
    Codec,
    Encoding,
    compress,
    decompress,
    states_compressor,
    train,
)
from tests.dictionary import simulated_documents, simulated_states

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENT = simulated_documents(seed=7, gpts=3)[0]
STATE = simulated_states(seed=7, gpts=3)[0]


@pytest.mark.parametrize("payload", [b"", b"x", DOCUMENT, random.Random(1).randbytes(5_000)])
@pytest.mark.parametrize("base", [None, b"", DOCUMENT, DOCUMENT[:-20]])
def test_codec_gives_back_what_it_took(payload: bytes, base: bytes | None) -> None:
    encoding, data = Codec().encode(payload, base)

    assert Codec().decode(encoding, data, base, len(payload)) == payload


def test_codec_stores_what_it_cannot_shrink() -> None:
    noise = random.Random(1).randbytes(200)

    assert Codec().encode(noise) == (Encoding.STORED, noise)


def test_dictionary_halves_a_document() -> None:
    alone = len(compress(DOCUMENT))

    assert len(Codec().encode(DOCUMENT)[1]) < alone / 2


def test_delta_on_an_equal_document_is_next_to_nothing() -> None:
    encoding, data = Codec().encode(DOCUMENT, DOCUMENT)

    assert encoding == Encoding.DELTA
    assert len(data) < 40


@pytest.mark.parametrize(
    ("encoding", "data", "base", "size"),
    [
        (Encoding.DICTIONARY_1, b"not zstd", None, 8),
        (Encoding.DICTIONARY_1, zstandard.compress(b"x" * 10_000), None, 9_999),
        (Encoding.DELTA, zstandard.compress(b"x"), None, 1),
        (9, b"x", None, 1),
    ],
)
def test_codec_refuses_what_it_did_not_write(
    encoding: int, data: bytes, base: bytes | None, size: int
) -> None:
    with pytest.raises(CatalogCorrupt):
        Codec().decode(encoding, data, base, size)


def test_plain_compression_gives_back_what_it_took() -> None:
    assert decompress(compress(DOCUMENT)) == DOCUMENT
    assert decompress(compress(b"")) == b""
    with pytest.raises(CatalogCorrupt):
        decompress(b"not zstd")


def test_state_gives_back_what_it_was_with_a_dictionary_and_as_it_was_written_before() -> None:
    compress_state = states_compressor()

    assert decompress(compress_state(STATE)) == STATE
    assert len(compress_state(STATE)) < len(compress(STATE)) / 2
    assert decompress(compress_state(b"")) == b""


def test_state_of_a_dictionary_to_come_is_refused_by_its_number() -> None:
    other = zstandard.ZstdCompressionDict(train(simulated_documents(seed=7, gpts=300), PAYLOADS))

    with pytest.raises(CatalogCorrupt, match="need dictionary 1"):
        decompress(zstandard.ZstdCompressor(dict_data=other).compress(STATE))


@pytest.mark.parametrize(
    ("number", "digest"),
    [
        (PAYLOADS, "c47967fa989b82fa0ce9ef5c0fcc70af15dd1a9832f6628993ac0a0b4b727f80"),
        (STATES, "19009b6396a13b882856b3be3621bfba5d07b7e68028f3bd6e62ea3fbe6f57e1"),
    ],
)
def test_shipped_dictionary_is_never_changed(number: int, digest: str) -> None:
    """Catalogs are read with it. A better one is a new file, under a new number."""
    content = (resources.files("catalog.storage") / "dictionaries" / f"{number}.zdict").read_bytes()

    assert hashlib.sha256(content).hexdigest() == digest
    assert zstandard.ZstdCompressionDict(content).dict_id() == number


def test_missing_dictionary_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    codec._dictionary.cache_clear()  # noqa: SLF001 - it was read for the tests before this one
    monkeypatch.setattr(resources, "files", lambda _: tmp_path)
    with pytest.raises(SettingsError, match=r"lacks its dictionary 2\.zdict: install gpts-catalog"):
        states_compressor()


def test_training_repeats_itself() -> None:
    documents = simulated_documents(seed=7, gpts=300)
    trained = train(documents)

    assert trained == train(documents)
    assert len(trained) <= DICTIONARY_SIZE
    assert trained != train(documents[:200])
