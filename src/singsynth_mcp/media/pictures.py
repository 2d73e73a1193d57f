"""A rendering as a picture: piano roll with the pitch curve, phonemes, waveform, spectrogram on one time axis."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from singsynth_mcp.performance.model import PhraseNote, Role

if TYPE_CHECKING:
    import numpy.typing as npt
    from matplotlib.axes import Axes
    from matplotlib.font_manager import FontProperties

_INK, _SOFT, _GRID = "#1f2933", "#7b8794", "#e4e7eb"
_NOTE_FILL, _NOTE_EDGE, _CURVE = "#bcdcf5", "#5b9bd1", "#d6336c"
_ROLE_COLOURS: dict[Role, str] = {"vowel": "#ffd8a8", "consonant": "#c5b3f0", "breath": "#c3e6cb", "rest": "#f1f3f5"}
_NAMES = ("C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B")
_BLACK_KEYS = frozenset({1, 3, 6, 8, 10})
_WIDE_FONTS = (
    "Noto Sans CJK JP",
    "Noto Sans JP",
    "IPAexGothic",
    "IPAGothic",
    "Hiragino Sans",
    "Yu Gothic",
    "MS Gothic",
)
_WINDOW, _HOP = 1024, 256
_TOP_HZ = 10_000
_RANGE_DB = 75
_WIDTH_INCHES, _DPI = 12.0, 100


@dataclass(frozen=True)
class DrawnPhoneme:
    """A phoneme with its place in the song."""

    symbol: str
    """As it is drawn."""
    role: Role
    start_s: float
    stop_s: float


@dataclass(frozen=True, eq=False)
class Scene:
    """What to draw; an empty field leaves its panel out. All times are seconds of the song."""

    title: str
    start_s: float
    stop_s: float
    notes: Sequence[PhraseNote] = ()
    spoken: Sequence[str] = ()
    """Each note's phonemes: what is written on it where no font here has its lyric's letters."""
    phonemes: Sequence[DrawnPhoneme] = ()
    pitch: Sequence[tuple[npt.NDArray[Any], npt.NDArray[Any]]] = ()
    """(times, MIDI note numbers), a pair for each phrase."""
    audio: npt.NDArray[Any] | None = None
    """float [samples] from `start_s` on."""
    sample_rate: int = 44_100
    mel: npt.NDArray[Any] | None = None
    """[frames, bins] from `start_s` to `stop_s`; drawn where there is no audio."""


def draw(scene: Scene) -> bytes:
    """Return the scene as a PNG; equal scenes give equal bytes on one machine."""
    import numpy as np
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from PIL import Image

    panels = []
    if scene.notes:
        panels.append((_piano_roll, 3.4))
    if scene.phonemes:
        panels.append((_phonemes, 0.45))
    if scene.audio is not None:
        panels.append((_waveform, 1.1))
        panels.append((_spectrogram, 2.6))
    elif scene.mel is not None:
        panels.append((_mel, 2.6))
    heights = [height for _, height in panels] or [1.0]
    figure = Figure(figsize=(_WIDTH_INCHES, sum(heights) + 0.9), dpi=_DPI, facecolor="white")
    canvas: Any = FigureCanvasAgg(figure)
    grid = figure.add_gridspec(
        len(heights), 1, height_ratios=heights, hspace=0.06, left=0.055, right=0.99, top=0.93, bottom=0.07
    )
    axes = [figure.add_subplot(grid[row, 0]) for row in range(len(panels))]
    for panel, (paint, _) in zip(axes, panels, strict=True):
        _prepare(panel, scene, last=panel is axes[-1])
        paint(panel, scene)
    title = _drawable(scene.title)
    figure.text(0.055, 0.955, title, color=_INK, fontproperties=_font(title, 13.0, "bold"))
    canvas.draw()
    # 256 colours: a third of the bytes, so that the picture fits into a tool's result.
    picture = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB").quantize(256, dither=Image.Dither.NONE)
    data = io.BytesIO()
    picture.save(data, format="PNG", optimize=True)
    return data.getvalue()


def _prepare(panel: Axes, scene: Scene, last: bool) -> None:
    panel.set_xlim(scene.start_s, scene.stop_s)
    panel.tick_params(colors=_SOFT, labelsize=8.5, length=0, labelbottom=last)
    for name, spine in panel.spines.items():
        spine.set_visible(name == "bottom" and last)
        spine.set_color(_GRID)
    if last:
        panel.set_xlabel("seconds", color=_SOFT, fontsize=9)


def _piano_roll(panel: Axes, scene: Scene) -> None:
    low = int(min(note.midi for note in scene.notes)) - 2
    high = int(max(note.midi for note in scene.notes)) + 3
    panel.set_ylim(low - 0.5, high - 0.5)
    for key in range(low, high):
        if key % 12 in _BLACK_KEYS:
            panel.axhspan(key - 0.5, key + 0.5, color="#f5f7fa", zorder=0)
    white = [key for key in range(low, high) if key % 12 not in _BLACK_KEYS]
    panel.set_yticks(white, [_pitch_name(key) for key in white])
    for index in range(len(scene.notes)):
        _note(panel, scene, index)
    for times, curve in scene.pitch:
        panel.plot(times, curve, color="white", linewidth=3.2, zorder=3, solid_capstyle="round", alpha=0.7)
        panel.plot(times, curve, color=_CURVE, linewidth=1.5, zorder=3, solid_capstyle="round")


def _note(panel: Axes, scene: Scene, index: int) -> None:
    from matplotlib.patches import FancyBboxPatch
    from matplotlib.patheffects import withStroke

    note = scene.notes[index]
    gap = (scene.stop_s - scene.start_s) * 0.0006
    box = FancyBboxPatch(
        (note.start_s + gap, note.midi - 0.42),
        max(note.duration_s - 2 * gap, gap),
        0.84,
        boxstyle="round,pad=0,rounding_size=0.03",
        mutation_aspect=8,
        facecolor=_NOTE_FILL,
        edgecolor=_NOTE_EDGE,
        linewidth=0.8,
        zorder=2,
    )
    panel.add_patch(box)
    text = _label(scene, index)
    panel.text(
        note.start_s + 3 * gap,
        note.midi + 0.55,
        text,
        color=_INK,
        fontproperties=_font(text, 9.5),
        path_effects=[withStroke(linewidth=2.5, foreground="white")],
        va="bottom",
        zorder=4,
        clip_on=True,
    )


def _phonemes(panel: Axes, scene: Scene) -> None:
    panel.set_ylim(0, 1)
    panel.set_yticks([])
    inch = (scene.stop_s - scene.start_s) / _WIDTH_INCHES
    for phoneme in scene.phonemes:
        width = phoneme.stop_s - phoneme.start_s
        panel.broken_barh(
            [(phoneme.start_s, width)],
            (0.08, 0.84),
            facecolor=_ROLE_COLOURS[phoneme.role],
            edgecolor="white",
            linewidth=0.8,
        )
        text = phoneme.symbol
        size = 8.0 if width > 0.09 * len(text) * inch else 6.0
        if width > 0.05 * inch * len(text):
            panel.text(
                phoneme.start_s + width / 2,
                0.48,
                text,
                color=_INK,
                ha="center",
                va="center",
                clip_on=True,
                fontproperties=_font(text, size),
            )


def _waveform(panel: Axes, scene: Scene) -> None:
    import numpy as np

    audio = scene.audio
    assert audio is not None
    columns = 2400
    width = max(1, -(-len(audio) // columns))
    padded = np.pad(audio, (0, -len(audio) % width)).reshape(-1, width)
    times = scene.start_s + (np.arange(len(padded)) + 0.5) * width / scene.sample_rate
    panel.fill_between(times, padded.min(axis=1), padded.max(axis=1), color=_NOTE_EDGE, linewidth=0)
    reach = max(0.1, float(np.abs(audio).max(initial=0.0))) * 1.05
    panel.set_ylim(-reach, reach)
    panel.set_yticks([])


def _spectrogram(panel: Axes, scene: Scene) -> None:
    import numpy as np

    audio = scene.audio
    assert audio is not None
    padded = np.pad(audio.astype(np.float32), (_WINDOW // 2, _WINDOW))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP]
    spectrum = np.abs(np.fft.rfft(frames * np.hanning(_WINDOW).astype(np.float32)))
    top = min(_TOP_HZ, scene.sample_rate / 2)
    bins = int(top / scene.sample_rate * _WINDOW) + 1
    levels = 20 * np.log10(np.maximum(spectrum[:, :bins], 1e-6))
    loudest = float(np.percentile(levels, 99.8))
    stop = scene.start_s + len(frames) * _HOP / scene.sample_rate
    panel.set_facecolor("black")
    panel.imshow(
        levels.T,
        origin="lower",
        aspect="auto",
        cmap="magma",
        vmin=loudest - _RANGE_DB,
        vmax=loudest,
        extent=(scene.start_s, stop, 0, top / 1000),
        interpolation="bilinear",
    )
    panel.set_xlim(scene.start_s, scene.stop_s)
    panel.set_ylabel("kHz", color=_SOFT, fontsize=9)


def _mel(panel: Axes, scene: Scene) -> None:
    assert scene.mel is not None
    panel.imshow(
        scene.mel.T,
        origin="lower",
        aspect="auto",
        cmap="magma",
        extent=(scene.start_s, scene.stop_s, 0, scene.mel.shape[1]),
        interpolation="bilinear",
    )
    panel.set_ylabel("mel bin", color=_SOFT, fontsize=9)


def _label(scene: Scene, index: int) -> str:
    """Return what stands on a note: its lyric, or its phonemes where no font here has the lyric's letters."""
    lyric = scene.notes[index].lyric
    if lyric.startswith("+"):
        return "–"
    return lyric if _font(lyric, 9) is not None else scene.spoken[index]


def plain_symbol(symbol: str) -> str:
    """Return a phoneme without its language: "ja/k" is "k"."""
    return symbol.rpartition("/")[2]


def _pitch_name(midi: int) -> str:
    return f"{_NAMES[midi % 12]}{midi // 12 - 1}"


def _drawable(text: str) -> str:
    """Return `text` without the letters that no font here has: "うさぎ (Usagi)" may become "Usagi"."""
    if _font(text, 9) is not None:
        return text
    return "".join(letter for letter in text if letter not in "()（）" and _font(letter, 9) is not None).strip(" ·-")


def _font(text: str, size: float, weight: str = "normal") -> FontProperties | None:
    """Return a font that has every letter of `text`, or None."""
    from matplotlib.font_manager import FontProperties

    for family in ("DejaVu Sans", *_WIDE_FONTS):
        letters = _letters(family)
        if letters and all(ord(letter) in letters for letter in text if not letter.isspace()):
            return FontProperties(family=family, size=size, weight=weight)
    return None


@lru_cache(maxsize=16)
def _letters(family: str) -> frozenset[int]:
    from matplotlib.font_manager import fontManager, get_font

    for entry in fontManager.ttflist:
        if entry.name == family:
            return frozenset(get_font(entry.fname).get_charmap())
    return frozenset()
