"""Deterministic text that compresses as people's text does: words of Zipf's frequencies, the common ones short."""

from __future__ import annotations

import random
from itertools import accumulate
from typing import TypeVar

__all__ = ["Prose"]

_ONSETS = ("b", "br", "c", "d", "f", "g", "gr", "h", "l", "m", "n", "p", "pl", "r", "s", "st", "t", "tr", "v", "w")
_VOWELS = ("a", "e", "i", "o", "u", "ai", "ea", "ou")
_CODAS = ("", "", "l", "n", "nd", "r", "s", "st", "t", "m")
_VOCABULARY = 20_000
_PHRASES = 20_000

T = TypeVar("T")


class Prose:
    """A long text, cut from anywhere.

    Args:
        seed: The same seed gives the same text.
        words: Length of the whole text, roughly. It should be much longer than a compressor's window (2 MiB at
            zstd -3), or cuts repeat each other more than text does.
    """

    def __init__(self, seed: int, words: int = 3_000_000) -> None:
        source = random.Random(seed)
        words_made = dict.fromkeys(_word(source) for _ in range(_VOCABULARY))
        vocabulary = sorted(words_made, key=lambda word: len(word) + source.random() * 6)
        loose = _zipf(source, vocabulary, _PHRASES * 6)
        # People repeat phrases, not only words: of loose words zstd -3 leaves 53 %, which no real database shows.
        phrases = [loose[start : start + source.randint(1, 6)] for start in range(0, _PHRASES * 6, 6)]
        drawn = _zipf(source, phrases, words // 3)
        self._words = [word for phrase in drawn for word in phrase]
        for index in range(0, len(self._words), 11):
            self._words[index] = self._words[index].capitalize() + "."

    def cut(self, source: random.Random, words: int) -> str:
        """Return about `words` words from a place that `source` chooses."""
        start = source.randrange(len(self._words) - words)
        return " ".join(self._words[start : start + words])


def _zipf(source: random.Random, ranked: list[T], count: int) -> list[T]:
    weights = list(accumulate(1 / (rank + 2.7) for rank in range(len(ranked))))
    return source.choices(ranked, cum_weights=weights, k=count)


def _word(source: random.Random) -> str:
    syllables = source.choices((1, 2, 3, 4), weights=(3, 5, 3, 1))[0]
    return "".join(source.choice(_ONSETS) + source.choice(_VOWELS) + source.choice(_CODAS) for _ in range(syllables))
