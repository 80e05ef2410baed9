"""Words of scripts that are written without spaces between them."""

from __future__ import annotations

import re

# Letters, without combining marks, in a word of usual length. Without a dictionary, the words of these scripts have no
# certain ends (Unicode Standard Annex 29, 4): a number of letters shows the length of a text, not its words.
_HAN_AND_KANA = (
    "\u3005-\u3007\u3040-\u30ff\u3100-\u312f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f"
    "\U00020000-\U0003ffff"
)
# Spaces separate phrases rather than words: "장기지속형주사제" has three.
_HANGUL = "\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7af\ud7b0-\ud7ff"
# Thai, Lao, Tibetan, Myanmar and Khmer. Their vowel signs are combining marks, or letters of their own.
_SOUTH_EAST_ASIAN = "\u0e00-\u0e7f\u0e80-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u19e0-\u19ff\uaa60-\uaa7f"
_LETTERS_OF_A_WORD = {_HAN_AND_KANA: 2, _HANGUL: 3, _SOUTH_EAST_ASIAN: 3}
_RUNS = tuple((re.compile(f"[{letters}]+"), size) for letters, size in _LETTERS_OF_A_WORD.items())
_ANY = re.compile(f"[{''.join(_LETTERS_OF_A_WORD)}]")


def split_off_unspaced(text: str) -> tuple[str, int]:
    """Return the text without the runs of such letters, and about how many words these have."""
    if text.isascii() or not _ANY.search(text):
        return text, 0
    count = 0
    for runs, size in _RUNS:
        for run in runs.findall(text):
            letters = sum(map(str.isalnum, run))
            count += -(-letters // size)
        text = runs.sub(" ", text)
    return text, count
