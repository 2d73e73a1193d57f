"""A line of ABC music → tokens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

LENGTH = r"(?P<length>\d{0,4}/*\d{0,4})"
NOTE = re.compile(r"(?P<sign>\^\^|\^/|\^|__|_/|_|=)?(?P<letter>[A-Ga-g])(?P<octave>[,']{0,8})" + LENGTH)
_PATTERNS = (
    ("field", re.compile(r"\[([A-Za-z]):([^\]]*)\]")),
    ("text", re.compile(r'"[^"]*"?')),
    ("decoration", re.compile(r"!([^!\s]*)!|\+([^+\s]+)\+")),
    ("bar", re.compile(r"(?P<sign>:+\|[|\]]?:*|::|\[\|:*|\|[|\]]?:*)(?:\s*\[?(?P<ending>\d[\d,\-]*))?")),
    ("ending", re.compile(r"\[(?P<ending>\d[\d,\-]*)")),
    ("grace", re.compile(r"\{/?([^}]*)\}?")),
    ("tuplet", re.compile(r"\((\d)(?::(\d?))?(?::(\d{0,2}))?")),
    ("chord", re.compile(r"\[([^\]|]*)\]" + LENGTH)),
    ("note", NOTE),
    ("rest", re.compile(r"[zx]" + LENGTH)),
    ("measures", re.compile(r"[ZX](\d{0,4})")),
    ("slur_start", re.compile(r"\.?\(")),
    ("slur_stop", re.compile(r"\)")),
    ("tie", re.compile(r"-")),
    ("broken", re.compile(r"<{1,3}|>{1,3}")),
    ("overlay", re.compile(r"&")),
    ("shorthand", re.compile(r"[.~HLMOPSTuv]")),
    ("blank", re.compile(r"[\s`\\y$*;]+")),
)


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a music line."""

    kind: str
    match: re.Match[str]

    @property
    def column(self) -> int:
        """From 1."""
        return self.match.start() + 1


def tokens(line: str) -> Iterator[Token]:
    """Yield the tokens of a music line; a character that is no music comes as "unknown"."""
    place = 0
    while place < len(line):
        for kind, pattern in _PATTERNS:
            match = pattern.match(line, place)
            if match and match.end() > place:
                yield Token(kind, match)
                place = match.end()
                break
        else:
            match = re.compile(r".", re.DOTALL).match(line, place)
            assert match
            yield Token("unknown", match)
            place += 1


def length_of(text: str) -> Fraction:
    """Return the factor that a length stands for: "3", "3/2", "/" is a half, "//" a quarter. Raises ValueError."""
    top, slashes, bottom = re.fullmatch(r"(\d*)(/*)(\d*)", text).groups()  # type: ignore[union-attr]
    divisor = int(bottom) if bottom and slashes else 2 ** min(len(slashes), 8)
    length = Fraction(int(top or 1), divisor) if divisor else Fraction(0)
    if not 0 < length <= 1000:
        raise ValueError(f'"{text}" is no length')
    return length
