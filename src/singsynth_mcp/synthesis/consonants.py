"""How long consonants are where no duration model says: by the kind that the dictionary gives, else by the symbol."""

from __future__ import annotations

import re
from collections.abc import Mapping

VOWEL_S = 0.2
"""Only its share of what a short note leaves counts; a vowel takes what the consonants leave."""
_KINDS_S = {
    "stop": 0.06,
    "affricate": 0.095,
    "fricative": 0.1,
    "aspirate": 0.07,
    "nasal": 0.065,
    "liquid": 0.055,
    "semivowel": 0.055,
    "tap": 0.035,
}
_OTHER_S = 0.07
_KINDS = (
    ("affricate", r"ch|ts|j|jh|dz|tch|dj|zh[a-z]?|[cq]|tsh"),
    ("fricative", r"s|sh|f|th|x|h|hh|hy|z|v|dh|sy|fy"),
    ("nasal", r"m|n|ng|ny|my|nn|mm"),
    ("tap", r"dx|rr?"),
    ("liquid", r"l|ly|ll|ry"),
    ("semivowel", r"w|y"),
    ("stop", r"[ptkbdg]y?|[ptkbdg][wh]?|cl|q|vf"),
)


def consonant_seconds(symbol: str, types: Mapping[str, str]) -> float:
    """Return a consonant's length; types: symbol to the type that the voicebank's dictionary gives."""
    bare = symbol.rpartition("/")[2]
    kind = types.get(symbol) or types.get(bare) or ""
    if kind not in _KINDS_S or kind == "stop":
        # Many dictionaries call every consonant a stop.
        kind = next((kind for kind, symbols in _KINDS if re.fullmatch(symbols, bare.lower())), kind)
    return _KINDS_S.get(kind, _OTHER_S)
