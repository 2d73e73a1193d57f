"""Which language untagged words are in: by their script, else by the little words that every text is full of."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import cache

from singsynth_mcp.lyrics.kana import has_kana, is_japanese, split_romaji

_LITTLE_WORDS = {
    "en": """the and of to in is that it with for my me you your thou thy thee be are was not on all from when we shall
    will his her he she they this but o'er where so by there I'll I'm have has were had who what then
    i oh love our one no""",
    "de": """der die das und ist nicht ich du er sie es wir ihr mein dein sein ein eine einen dem den des im in mit von
    zu auf wie so mir dir mich dich sich was noch nur wenn da durch aus am zum""",
    "fr": """le la les un une des et est je tu il elle nous vous que qui ne pas dans du de mon ton son ma ta sa mes tes
    ses au aux pour sur ce cette mais où comme plus si sans y en""",
    "it": """il lo la gli le un una e è che di del della dei delle non mi ti si io tu mio mia tuo tua nel nella con per
    come al alla sul quel questo più ma ed o ch""",
    "es": """el la los las un una y es que de del no mi tu su me te se yo con por para como al en lo más pero sin ya
    cuando esta este muy si donde""",
    "pt": """o a os as um uma e é que de do da dos das não meu minha teu tua me te se eu com por para como ao na no nas
    nos mais mas em quando você""",
    "la": """et in est non qui quae quod ad de cum per dominus domini domine deus dei tuum tuam tua nobis te tibi nos
    eius sanctus gloria pacem miserere sancta pro ex noster nostra""",
}
_SCRIPTS = {
    "HANGUL": "ko",
    "CYRILLIC": "ru",
    "GREEK": "el",
    "HEBREW": "he",
    "ARABIC": "ar",
    "DEVANAGARI": "hi",
    "GEORGIAN": "ka",
    "ARMENIAN": "hy",
}
_WRITTEN_IN = {
    "CYRILLIC": frozenset({"ru", "uk", "bg", "sr", "mk", "be", "kk", "ky", "tt", "ba", "cv", "mn"}),
    "ARABIC": frozenset({"ar", "fa", "ur", "ku", "sd", "ug"}),
    "DEVANAGARI": frozenset({"hi", "mr", "ne", "kok", "sa"}),
}
NOT_LATIN = frozenset({"ja", "zh", "yue", "zh-yue", "ko", "el", "he", "ka", "hy", "th"}.union(*_WRITTEN_IN.values()))
"""Languages that are not written in Latin letters; words in those are of another language, or romanised."""
_LETTERS = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")
_ENOUGH = 0.12
_ROMAJI = 0.95
_LONG_WITHOUT_KANA = 10
"""Characters: a Japanese text this long has kana in it."""


def language_of_script(text: str, default: str) -> str | None:
    """Return the language that a text's first letter says; None for Latin and Han, which many languages share."""
    letter = next((character for character in text if character.isalpha()), "")
    script = unicodedata.name(letter, "").partition(" ")[0] if letter else ""
    if script in ("HIRAGANA", "KATAKANA"):
        return "ja"
    if default in _WRITTEN_IN.get(script, ()):
        return default
    return _SCRIPTS.get(script)


def is_latin(text: str) -> bool:
    """Tell whether a text's first letter is Latin."""
    letter = next((character for character in text if character.isalpha()), "")
    return unicodedata.name(letter, "").startswith("LATIN") if letter else False


def recognised(texts: Iterable[str], sung: Iterable[str]) -> str | None:
    """Return the language that words are in; None where they do not say it.

    sung: the languages of the voicebank: romaji is looked for only where it sings Japanese, and of two languages that
    fit equally well its own is taken.
    """
    sung = tuple(sung)
    words = [text.replace("’", "'").lower() for text in texts if any(map(str.isalpha, text))]
    scripts = Counter(script for word in words if (script := language_of_script(word, "")))
    if scripts and scripts.most_common(1)[0][1] * 2 > len(words):
        return scripts.most_common(1)[0][0]
    if sum(map(is_japanese, words)) * 2 > len(words):
        is_long = sum(map(len, words)) >= _LONG_WITHOUT_KANA
        return "zh" if is_long and not any(map(has_kana, words)) else "ja"
    letters = [match[0] for word in words for match in _LETTERS.finditer(word)]
    if not letters:
        return None
    if "ja" in sung and sum(split_romaji(word) is not None for word in letters) >= _ROMAJI * len(letters):
        return "ja"
    shares = {name: sum(word in little for word in letters) / len(letters) for name, little in _little_words().items()}
    best = max(shares, key=lambda name: (round(shares[name], 3), name in sung))
    return best if shares[best] >= _ENOUGH else None


@cache
def _little_words() -> dict[str, frozenset[str]]:
    return {name: frozenset(words.lower().split()) for name, words in _LITTLE_WORDS.items()}
