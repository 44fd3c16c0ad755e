"""Ids without a table: index ↔ id, each way by arithmetic, so that a million GPTs cost nothing.

A keyed permutation (a Feistel network with cycle walking) scatters the indices over the whole
space of ids. Both forms of GPT ids are made, see "Id grammar" in the notes on sources: ``g-`` with
9 letters and digits, and ``g-`` with 32 hex digits, of which the first 8 are the creation time and
digits 12 to 15 are ``8191``.
"""

from __future__ import annotations

from string import ascii_lowercase, ascii_uppercase, digits

from catalog.simulator.draw import hexadecimal, number
from catalog.times import SECOND, Micros

_ALPHABET = digits + ascii_uppercase + ascii_lowercase
_VALUES = {letter: value for value, letter in enumerate(_ALPHABET)}
_CLASSIC_LENGTH = 9
_CLASSIC_SPACE = len(_ALPHABET) ** _CLASSIC_LENGTH
_HEX_LENGTH = 32
_ROUNDS = 4


class Permutation:
    """A keyed one-to-one map of [0, ``space``) onto itself.

    Args:
        key: what the map belongs to.
        bits: half the width of the network: ``space`` <= 2 ** (2 * ``bits``).
        space: how many numbers there are.
    """

    def __init__(self, key: object, bits: int, space: int) -> None:
        self._bits = bits
        self._mask = (1 << bits) - 1
        self._space = space
        self._keys = [
            (number(key, "add", turn), number(key, "times", turn) | 1) for turn in range(_ROUNDS)
        ]

    def _mixed(self, half: int, turn: int) -> int:
        add, times = self._keys[turn]
        return (((half + add) * times & 0xFFFF_FFFF_FFFF_FFFF) >> 29) & self._mask

    def forward(self, value: int) -> int:
        """Where ``value`` goes."""
        while True:
            left, right = value >> self._bits, value & self._mask
            for turn in range(_ROUNDS):
                left, right = right, left ^ self._mixed(right, turn)
            value = left << self._bits | right
            if value < self._space:
                return value

    def backward(self, value: int) -> int:
        """Where ``value`` comes from."""
        while True:
            left, right = value >> self._bits, value & self._mask
            for turn in reversed(range(_ROUNDS)):
                left, right = right ^ self._mixed(left, turn), left
            value = left << self._bits | right
            if value < self._space:
                return value


class Identity:
    """Names the GPTs of one population.

    Args:
        seed: the population's seed.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._classic = Permutation((seed, "classic"), 27, _CLASSIC_SPACE)
        self._hex = Permutation((seed, "hex"), 32, 1 << 64)

    def classic(self, index: int) -> str:
        """The classic id of the GPT at ``index``."""
        value = self._classic.forward(index)
        letters = []
        for _ in range(_CLASSIC_LENGTH):
            value, letter = divmod(value, len(_ALPHABET))
            letters.append(_ALPHABET[letter])
        return "g-" + "".join(reversed(letters))

    def hex(self, index: int, created_at: Micros) -> str:
        """The 32-digit id of the GPT at ``index``, made at ``created_at``."""
        salt = hexadecimal(4, self._seed, index, "salt")
        tail = self._hex.forward(index)
        return f"g-{created_at // SECOND:08x}{salt}8191{tail:016x}"

    def index(self, gizmo_id: str) -> int | None:
        """The index that ``gizmo_id`` would have; None where it has neither form.

        Whether the GPT at that index really carries this id is for the caller to compare.
        """
        text = gizmo_id.removeprefix("g-")
        if len(text) == len(gizmo_id):
            return None
        if len(text) == _HEX_LENGTH:
            try:
                return self._hex.backward(int(text[16:], 16))
            except ValueError:
                return None
        if len(text) != _CLASSIC_LENGTH or not _VALUES.keys() >= set(text):
            return None
        value = 0
        for letter in text:
            value = value * len(_ALPHABET) + _VALUES[letter]
        return self._classic.backward(value)
