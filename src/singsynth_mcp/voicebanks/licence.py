"""The terms of a voicebank, as its maker wrote them: which files hold them, and their words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from singsynth_mcp.voicebanks.entry_names import Parts
from singsynth_mcp.voicebanks.files import decode_text
from singsynth_mcp.voicebanks.trees import Tree, read_start

TERMS = re.compile(
    r"^(licen[cs]|licencia|lizenz|copying|terms|tos\b|eula|usage|rules|guideline|polic[yi]|"
    r"规约|使用规|使用条|使用须|使用协|许可|授权|版权|規約|利用規|利用条|使用許|ライセンス|이용약관|라이선스)",
    re.IGNORECASE,
)
"""How the names of files with terms begin."""
_MAY_HOLD_TERMS = re.compile(r"^(read ?_?me|お読み|読んで|はじめに|说明|說明|须知)", re.IGNORECASE)
_SPEAKS_OF_TERMS = re.compile(
    r"licen[cs]e|terms of use|commercial|redistribut|规约|許諾|许可|授权|規約|商用|商业|再配布|二次配布|クレジット",
    re.IGNORECASE,
)
_TEXTS = ("", ".txt", ".md", ".rst", ".htm", ".html", ".yaml")
PAPERS = (".pdf", ".rtf", ".docx", ".doc", ".odt", ".png", ".jpg", ".url")
_LONGEST_BYTES = 512 * 2**10


@dataclass(frozen=True)
class LicenceText:
    """One file with terms."""

    file: str
    """Its path in what it came from."""
    text: str
    """Empty where the file is no text: it has to be opened."""


def find_licences(tree: Tree, root: Parts) -> tuple[LicenceText, ...]:
    """Return the terms in the voicebank's folder `root` and in the folders above it, the nearest first."""
    found = []
    for parts in sorted(tree.files, key=lambda parts: (-len(parts), parts)):
        folder, name = parts[:-1], parts[-1]
        stem, dot, suffix = name.rpartition(".")
        suffix = f".{suffix.lower()}" if dot and stem and len(suffix) <= 5 else ""
        if folder != root[: len(folder)] or len(folder) > len(root):
            continue
        sure, likely = TERMS.match(name), _MAY_HOLD_TERMS.match(name)
        if sure and suffix in PAPERS:
            found.append(LicenceText("/".join(parts), ""))
        elif (sure or likely) and suffix in _TEXTS:
            text = _read(tree, parts)
            if text and (sure or _SPEAKS_OF_TERMS.search(text)):
                found.append(LicenceText("/".join(parts), text))
    return tuple(found)


def distinct(texts: Iterable[LicenceText]) -> tuple[LicenceText, ...]:
    """Return the texts, equal ones once."""
    return tuple({(text.text or text.file): text for text in texts}.values())


def _read(tree: Tree, parts: Parts) -> str:
    return decode_text(read_start(tree, parts, _LONGEST_BYTES)).strip()
