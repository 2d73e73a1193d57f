"""render_score."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from singsynth_mcp.artifacts.base import Entry, Manifest, memo_key
from singsynth_mcp.contracts.export import RenderScoreRequest, RenderScoreResult
from singsynth_mcp.cpu_server.outputs import delivered, output_format, output_path
from singsynth_mcp.cpu_server.scores import load_score, within_deadline
from singsynth_mcp.cpu_server.services import CpuServices
from singsynth_mcp.errors import InvalidRequest

if TYPE_CHECKING:
    from singsynth_mcp.score.model import Score

_FORMATS = ("png", "svg")
_USUAL_MEASURES = 12


async def render_score(request: RenderScoreRequest, services: CpuServices) -> RenderScoreResult:
    """Draw measures of a score.

    Raises InvalidRequest, UnknownName (measure, part), PathNotAllowed, FileProblem, UnknownArtifact,
    WrongArtifactKind, StorageProblem, DeadlineExceeded.
    """
    score = await load_score(request.score, services)
    format = output_format(request.output, request.format, _FORMATS, "png")
    first, last = _measures(score, request.measures)
    shown = f"{score.measures[first].number}-{score.measures[last - 1].number}"
    name = f"{score.title}-{memo_key(request.score, shown, request.part)[:8]}"
    path = output_path(request.output, format, name, services)

    def draw() -> bytes:
        from singsynth_mcp.media.encoding import replacing
        from singsynth_mcp.score.engraving import svg_of

        svg = svg_of(score, first, last, request.part)
        data = svg.encode() if format == "svg" else _png(svg)
        with replacing(path) as file:
            file.write(data)
        return data

    data = await within_deadline("render_score", draw)
    blob = await services.store.put_blob(data)
    picture = Manifest("picture", {"of": request.score, "measures": shown}, (Entry(0.0, blob),))
    rest = score.measures[last : last + (last - first)]
    return RenderScoreResult(
        id=await services.store.put(picture), path=str(path), picture=str(path) if format == "png" else None,
        **await delivered(path, services), format=format, measures=shown,
        next=f"{rest[0].number}-{rest[-1].number}" if rest else None,
    )  # fmt: skip


def _measures(score: Score, text: str | None) -> tuple[int, int]:
    """Return the index of the first measure and that after the last. Raises UnknownName or InvalidRequest."""
    from singsynth_mcp.score.edits.addresses import measures_of
    from singsynth_mcp.score.edits.draft import Draft
    from singsynth_mcp.score.engraving import MOST_MEASURES

    if text is None:
        return 0, min(_USUAL_MEASURES, len(score.measures))
    first, last = measures_of(Draft(score), text)
    if last - first > MOST_MEASURES:
        message = f"{last - first} measures are too many for a picture"
        raise InvalidRequest(message, hint=f"Ask for at most {MOST_MEASURES} at a time")
    return first, last


def _png(svg: str) -> bytes:
    import matplotlib
    import resvg_py

    # Matplotlib's own font has the letters of most alphabets, wherever the system has none.
    fonts = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    png = resvg_py.svg_to_bytes(
        svg_string=svg, background="#ffffff", font_dirs=[str(fonts)], serif_family="DejaVu Serif",
        font_family="DejaVu Serif",
    )  # fmt: skip
    return bytes(png)
