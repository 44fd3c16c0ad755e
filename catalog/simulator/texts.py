"""Names, descriptions and starters, made of :mod:`catalog.simulator.words`."""

from __future__ import annotations

import re

from catalog.simulator.draw import Draw, Weighted
from catalog.simulator.words import EMOJI, HOSTILE, LANGUAGES, Language

MAX_NAME = 52
MAX_DESCRIPTION = 300
GIANT_STARTER = 49_202
"""The longest starter that was ever seen."""

_LANGUAGES = Weighted([(language, language.weight) for language in LANGUAGES])
_LATIN = LANGUAGES[0]
_SYLLABLES = {language.code: tuple(language.syllables.split()) for language in LANGUAGES}
_NOT_IN_SLUG = re.compile(r"[^a-z0-9]+")


def language_of(unit: float) -> Language:
    """The language at ``unit`` in [0, 1) of all."""
    return _LANGUAGES.at(unit)


def coined(draw: Draw, language: Language) -> str:
    """A word that nobody uses."""
    low, high = language.length
    syllables = _SYLLABLES[language.code]
    word = "".join(draw.pick(syllables) for _ in range(low + draw.below(high - low + 1)))
    return word.capitalize()


def _filled(draw: Draw, form: str, language: Language) -> str:
    return form.format(
        c=coined(draw, language),
        t=draw.pick(language.topics),
        u=draw.pick(language.topics),
        r=draw.pick(language.roles),
    )


def name(draw: Draw, language: Language) -> str:
    """A GPT's name."""
    text = _filled(draw, draw.pick(language.names), language)
    unit = draw.unit()
    if unit < 0.08:
        text = f"{draw.pick(EMOJI)} {text}"
    elif unit < 0.09:
        text = text.replace(" ", "  ")
    elif unit < 0.10:
        text = text.upper()
    return text[:MAX_NAME].rstrip()


def description(draw: Draw, language: Language) -> str:
    """What a GPT says of itself; at times nothing."""
    unit = draw.unit()
    if unit < 0.02:
        return ""
    if unit < 0.025:
        return _filled(draw, draw.pick(HOSTILE), language)
    sentences = draw.shuffled(language.sentences)[: 1 + draw.below(3)]
    text = language.space.join(_filled(draw, sentence, language) for sentence in sentences)
    if unit > 0.95:
        text = f"{text} {draw.pick(EMOJI)}"
    return text[:MAX_DESCRIPTION].rstrip()


def starter(draw: Draw, language: Language) -> str:
    """A prompt starter; once in a few thousand one of tens of thousands of characters."""
    text = _filled(draw, draw.pick(language.starters), language)
    if draw.chance(1 / 8000):
        length = GIANT_STARTER // 5 + draw.below(GIANT_STARTER * 4 // 5)
        return (text + "\n") * (length // (len(text) + 1) + 1)
    return text


def person(draw: Draw, language: Language) -> str:
    """An author's name."""
    return language.space.join((coined(draw, language), coined(draw, language)))


def slug(name_: str, draw: Draw) -> str:
    """What stands behind the id in a short URL: always ASCII, other scripts romanised."""
    text = _NOT_IN_SLUG.sub("-", name_.casefold()).strip("-")
    if len(text) * 2 < len(name_):
        words = (coined(draw, _LATIN).lower() for _ in range(2 + draw.below(3)))
        return "-".join(words)
    return text
