"""Print how ten words of each of twelve languages are read and sung, or write the table into docs/lyrics.md.

python scripts/lyrics_table.py [--voicebank ID] [--write]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from singsynth_mcp.lyrics.model import Word
from singsynth_mcp.lyrics.reading import Reader
from singsynth_mcp.settings import Settings
from singsynth_mcp.voicebanks import Voicebank, get_voicebank

DOCUMENT = Path(__file__).parents[1] / "docs" / "lyrics.md"
START, END = "<!-- printed by scripts/lyrics_table.py -->", "<!-- end of what is printed -->"
_FARTHEST = 4
WORDS = {
    "ja": ("Japanese", "さくら きょう みって しんぶん ティー sakura 東京 私 山へ 3回"),
    "en": ("English", "strength heaven heav'n lov'd roses' fire 1984 the evening yellowhammer"),
    "zh": ("Mandarin", "两只老虎 跑得快 银行 长大 月亮 我爱你 nǐ shui xue er"),
    "ko": ("Korean", "사랑해 학교 나비 하늘 꽃 바람 노래 좋아 밤 달빛"),
    "es": ("Spanish", "corazón noche guitarra llorar cielo agua niña perro jardín luz"),
    "it": ("Italian", "amore cuore sogno gli cielo bacio bella dolce occhi stelle"),
    "pt": ("Portuguese", "coração saudade gente não manhã filha chuva amor lua dançar"),
    "fr": ("French", "bonheur enfant lune chanson feuille pauvre rien beau jour aujourd'hui"),
    "de": ("German", "ich Nacht schöne Träume Pferd über Mädchen Herz Jungfrau zwei"),
    "la": ("Latin", "gloria excelsis pacem deus agnus caelum gratia sanctus mihi jesu"),
    "ru": ("Russian", "любовь ночь душа река берёза песня звезда мир солнце моя"),
    "pl": ("Polish", "miłość noc serce słońce życie piękna chmura dzień ręka śpiew"),
}


def main() -> int:
    """Print or write the table; return 1 when a word could not be read."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--voicebank", default=Settings().default_voicebank)
    parser.add_argument("--write", action="store_true", help=f"write it into {DOCUMENT.name}")
    arguments = parser.parse_args()
    bank = get_voicebank(arguments.voicebank, Settings().voicebanks)
    table = "\n".join(rows(bank))
    if arguments.write:
        before, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(START)
        after = rest.partition(END)[2]
        DOCUMENT.write_text(f"{before}{START}\n\n{table}\n\n{END}{after}", encoding="utf-8")
    else:
        print(table)
    return 1 if "(silent)" in table else 0


def rows(bank: Voicebank) -> Iterator[str]:
    """Yield the lines of a table in Markdown."""
    yield f"| language | phonemes of {bank.id} | the farthest substitutions |"
    yield "|---|---|---|"
    for language, (name, texts) in WORDS.items():
        words = Reader(bank, language).read_text(texts)
        kept = "" if len(bank.languages) == 1 else language
        yield f"| {name} | {' · '.join(_shown(word, kept) for word in words)} | {_substitutions(words)} |"


def _shown(word: Word, language: str) -> str:
    """Return a word with its phonemes, without the prefix of `language`, or of any where that is ""."""
    names = (one.symbol if language else one.symbol.rpartition("/")[2] for one in word.phonemes)
    symbols = " ".join(name.removeprefix(f"{language}/") for name in names)
    return f"{word.text} *{symbols or '(silent)'}*"


def _substitutions(words: Sequence[Word]) -> str:
    distances = {(one.sound, one.symbol): one.distance for word in words for one in word.substitutions}
    farthest = sorted(distances.items(), key=lambda item: (-item[1], item[0]))[:_FARTHEST]
    return ", ".join(f"{sound} → {symbol or '–'} {distance:.2f}" for (sound, symbol), distance in farthest)


if __name__ == "__main__":
    sys.exit(main())
