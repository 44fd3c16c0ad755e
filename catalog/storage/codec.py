"""How bytes are held in the catalog: stored, compressed, or as a difference.

Documents of one GPT are nearly equal, and documents of all GPTs share their skeleton. So a payload
is compressed with a dictionary that ships with the program, or, where that is much smaller, with an
earlier payload of the same GPT as its dictionary. The states of folds have a dictionary of their
own, for their skeleton is another. A dictionary is never changed, only followed by another version
under another number; it is made from the simulator's documents alone, since one trained on an
archive holds people's texts. Pure, but for reading the shipped files.
"""

from __future__ import annotations

from enum import IntEnum
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

import zstandard

from catalog.errors import CatalogCorrupt, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

DICTIONARY_SIZE = 64 * 1024

# Chosen on the 3,636 documents of a public archive: level 9 takes 85 us a document and 12 only
# saves 1 % more; a delta takes 60 us at level 6, whatever its dictionary.
_LEVEL = 9
_DELTA_LEVEL = 6
_PLAIN_LEVEL = 3

PAYLOADS = 1
"""The number of the dictionary of documents."""
STATES = 2
"""The number of the dictionary of states: it stands in the frames that need it."""
_LEVELS = {PAYLOADS: _LEVEL, STATES: _PLAIN_LEVEL}


class Encoding(IntEnum):
    """The values of ``payloads.encoding``. Never changed: they stand in catalogs."""

    STORED = 0
    """The bytes themselves."""
    DICTIONARY_1 = 1
    """zstd with ``dictionaries/1.zdict``."""
    DELTA = 2
    """zstd with the payload ``base_id`` as its dictionary."""


class Codec:
    """Encodes and decodes. Cheap to make; not to be shared between threads."""

    def __init__(self) -> None:
        self._compressor = zstandard.ZstdCompressor(
            level=_LEVEL, dict_data=_dictionary(PAYLOADS), write_dict_id=False
        )
        self._decompressor = zstandard.ZstdDecompressor(dict_data=_dictionary(PAYLOADS))

    def encode(self, payload: bytes, base: bytes | None = None) -> tuple[Encoding, bytes]:
        """The bytes to keep for ``payload``.

        Args:
            payload: what is to be kept.
            base: build on these; None for standing alone.

        Returns:
            The encoding, and the data in it. A delta is returned whether it is small or not.
        """
        if base is not None:
            return Encoding.DELTA, zstandard.ZstdCompressor(
                level=_DELTA_LEVEL, dict_data=_raw(base), write_dict_id=False
            ).compress(payload)
        data = self._compressor.compress(payload)
        if len(data) < len(payload):
            return Encoding.DICTIONARY_1, data
        return Encoding.STORED, payload

    def decode(self, encoding: int, data: bytes, base: bytes | None, size: int) -> bytes:
        """The payload that ``data`` holds.

        Args:
            encoding: how.
            data: what :meth:`encode` returned.
            base: what a delta builds on.
            size: the payload's length; nothing longer is ever unpacked.

        Raises:
            CatalogCorrupt: ``data`` is not what was written.
        """
        if encoding == Encoding.STORED:
            return data
        if encoding == Encoding.DICTIONARY_1:
            decompressor = self._decompressor
        elif encoding == Encoding.DELTA and base is not None:
            decompressor = zstandard.ZstdDecompressor(dict_data=_raw(base))
        else:
            raise CatalogCorrupt(f"encoding {encoding} is unknown, or its base is missing")
        return _decompress(decompressor, data, size)


def compress(data: bytes) -> bytes:
    """``data`` as zstd that needs nothing else to be read."""
    return zstandard.ZstdCompressor(level=_PLAIN_LEVEL).compress(data)


def states_compressor() -> Callable[[bytes], bytes]:
    """Compresses states of folds for :func:`decompress`; not to be shared between threads.

    A state of the simulator's GPTs has 4,480 bytes, 1,800 of them without the dictionary and 660
    with it, in half the time.
    """
    return zstandard.ZstdCompressor(level=_PLAIN_LEVEL, dict_data=_dictionary(STATES)).compress


def decompress(data: bytes) -> bytes:
    """What :func:`compress` or :func:`states_compressor` was given.

    Raises:
        CatalogCorrupt: ``data`` is not what was written.
    """
    try:
        number = zstandard.get_frame_parameters(data).dict_id
    except zstandard.ZstdError as error:
        raise CatalogCorrupt(f"the bytes cannot be unpacked ({error})") from None
    if number not in {0, STATES}:
        raise CatalogCorrupt(f"the bytes need dictionary {number}, which is unknown")
    dictionary = _dictionary(number) if number else None
    return _decompress(zstandard.ZstdDecompressor(dict_data=dictionary), data, None)


def train(samples: Sequence[bytes], number: int = PAYLOADS) -> bytes:
    """A dictionary from ``samples``, which must be made up: it holds pieces of them verbatim.

    The same samples in the same order give the same dictionary.

    Args:
        samples: what is to be compressed with it, or much like it.
        number: of the dictionary.
    """
    # With k and d given nothing is searched for, so that threads and time do not matter.
    trained = zstandard.train_dictionary(
        DICTIONARY_SIZE, list(samples), k=1024, d=8, level=_LEVELS[number], dict_id=number
    )
    return trained.as_bytes()


@cache
def _dictionary(number: int) -> zstandard.ZstdCompressionDict:
    file = resources.files("catalog.storage") / "dictionaries" / f"{number}.zdict"
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        raise SettingsError(
            f"this installation lacks its dictionary {number}.zdict: install gpts-catalog again"
        ) from None
    dictionary = zstandard.ZstdCompressionDict(content)
    dictionary.precompute_compress(level=_LEVELS[number])
    return dictionary


def _raw(base: bytes) -> zstandard.ZstdCompressionDict:
    return zstandard.ZstdCompressionDict(base, dict_type=zstandard.DICT_TYPE_RAWCONTENT)


def _decompress(decompressor: zstandard.ZstdDecompressor, data: bytes, size: int | None) -> bytes:
    try:
        # The frame names its own length; a damaged one must not make us reserve the memory for it.
        if size is not None and zstandard.frame_content_size(data) != size:
            raise CatalogCorrupt("the length is not the one that was written")
        return decompressor.decompress(data)
    except zstandard.ZstdError as error:
        raise CatalogCorrupt(f"the bytes cannot be unpacked ({error})") from None
