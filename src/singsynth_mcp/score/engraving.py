"""Score → SVG of some measures, engraved by Verovio."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from singsynth_mcp.errors import InvalidRequest
from singsynth_mcp.score.edits.draft import Draft
from singsynth_mcp.score.edits.runs import Run, arrange
from singsynth_mcp.score.lookup import find_part
from singsynth_mcp.score.model import Score
from singsynth_mcp.score.writing.musicxml import musicxml_of

MOST_MEASURES = 40
_PAGE_WIDTH = 2400
_OPTIONS = {
    "pageWidth": _PAGE_WIDTH, "scale": 50, "adjustPageHeight": True, "breaks": "auto", "footer": "none",
    "header": "none", "pageMarginTop": 60, "pageMarginBottom": 60, "pageMarginLeft": 60, "pageMarginRight": 60,
    "pageHeight": 60_000, "svgViewBox": False, "lyricSize": 4.5,
}  # fmt: skip
_METRONOME_SIGNS = {0xE1D5: "\N{QUARTER NOTE}", 0xECA5: "\N{QUARTER NOTE}"}
"""SMuFL's note in a metronome mark is a letter of a music font, which few machines have."""


def svg_of(score: Score, first: int, last: int, part: str | None = None) -> str:
    """Return the measures from index `first` to before `last` as one SVG picture; `part` alone where it is named."""
    import verovio

    verovio.enableLog(verovio.LOG_OFF)
    toolkit: Any = verovio.toolkit()
    toolkit.setOptions(_OPTIONS)
    if not toolkit.loadData(musicxml_of(_excerpt(score, first, last, part)).decode()):
        raise InvalidRequest("Verovio cannot engrave these measures", hint="Ask for others, or export as musicxml")
    svg: str = toolkit.renderToSVG(1)
    return svg.translate(_METRONOME_SIGNS)


def _excerpt(score: Score, first: int, last: int, part: str | None) -> Score:
    """Return the measures alone, under the numbers that they have."""
    if part is not None:
        wanted = find_part(score, part.rpartition("/")[0] or part)
        score = replace(score, parts=(wanted,))
    numbers = [measure.number for measure in score.measures[first:last]]
    draft = Draft(score)
    arrange(draft, [Run(first, last)])
    measures = tuple(replace(measure, number=number) for measure, number in zip(draft.measures, numbers, strict=True))
    return replace(draft.snapshot(), measures=measures)
