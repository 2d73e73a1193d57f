"""Words, notes and phonemes in time → LRC, SRT, Praat TextGrid and HTS labels. Times are seconds of the song."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_LINE_GAP_S = 0.6
_LINE_LETTERS = 42
"""What subtitles hold in a row."""
_LINE_S = 7.0
_HTS_UNITS = 10_000_000
"""In a second: HTS counts 100 ns."""


@dataclass(frozen=True)
class Timed:
    """A text from `start_s` to `end_s`."""

    start_s: float
    end_s: float
    text: str


def lines_of(words: Sequence[Timed]) -> list[Timed]:
    """Return words as lines: a rest, a full row or a long time ends one, and so does a full stop."""
    lines: list[Timed] = []
    for word in words:
        last = lines[-1] if lines else None
        if (
            last is None
            or word.start_s - last.end_s >= _LINE_GAP_S
            or len(last.text) + 1 + len(word.text) > _LINE_LETTERS
            or word.end_s - last.start_s > _LINE_S
            or last.text[-1:] in ".!?。！？"
        ):
            lines.append(word)
        else:
            glue = "" if _is_east_asian(last.text[-1:]) and _is_east_asian(word.text[:1]) else " "
            lines[-1] = Timed(last.start_s, max(last.end_s, word.end_s), f"{last.text}{glue}{word.text}")
    return lines


def _is_east_asian(letter: str) -> bool:
    return "\u3000" <= letter <= "\u9fff"


def lrc_of(title: str, words: Sequence[Timed]) -> str:
    """Return LRC: each line with its beginning."""
    head = f"[ti:{' '.join(title.split())}]\n[re:singsynth-mcp]\n"
    return head + "".join(f"[{_minutes(line.start_s)}]{line.text}\n" for line in lines_of(words))


def _minutes(seconds: float) -> str:
    hundredths = round(max(seconds, 0) * 100)
    return f"{hundredths // 6000:02d}:{hundredths // 100 % 60:02d}.{hundredths % 100:02d}"


def srt_of(words: Sequence[Timed]) -> str:
    """Return SubRip subtitles; none is shown when the next one begins."""
    lines = lines_of(words)
    entries: list[str] = []
    for number, line in enumerate(lines, 1):
        end = min([line.end_s, *(following.start_s for following in lines[number : number + 1])])
        entries.append(f"{number}\n{_clock(line.start_s)} --> {_clock(max(end, line.start_s + 0.1))}\n{line.text}\n")
    return "\n".join(entries)


def _clock(seconds: float) -> str:
    thousandths = round(max(seconds, 0) * 1000)
    minutes = thousandths // 60_000
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{thousandths // 1000 % 60:02d},{thousandths % 1000:03d}"


def textgrid_of(tiers: Sequence[tuple[str, Sequence[Timed]]]) -> str:
    """Return a Praat TextGrid (long format) of interval tiers; what lies before 0 is cut."""
    end = max((one.end_s for _, tier in tiers for one in tier), default=1.0)
    rows = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0", f"xmax = {end:.6f}",
            "tiers? <exists>", f"size = {len(tiers)}", "item []:"]  # fmt: skip
    for number, (name, tier) in enumerate(tiers, 1):
        intervals = gapless(tier, end)
        rows += [f"    item [{number}]:", '        class = "IntervalTier"', f'        name = "{name}"',
                 "        xmin = 0", f"        xmax = {end:.6f}",
                 f"        intervals: size = {len(intervals)}"]  # fmt: skip
        for place, one in enumerate(intervals, 1):
            text = one.text.replace('"', '""')
            rows += [f"        intervals [{place}]:", f"            xmin = {one.start_s:.6f}",
                     f"            xmax = {one.end_s:.6f}", f'            text = "{text}"']  # fmt: skip
    return "\n".join(rows) + "\n"


def gapless(tier: Sequence[Timed], end_s: float) -> list[Timed]:
    """Return a tier from 0 to `end_s` with empty texts in the gaps, nothing overlapping."""
    intervals: list[Timed] = []
    cursor = 0.0
    for index, one in enumerate(tier):
        stop = min([one.end_s, *(following.start_s for following in tier[index + 1 : index + 2])])
        start = max(one.start_s, cursor)
        if round(stop - start, 6) <= 0:
            continue
        if round(start - cursor, 6) > 0:
            intervals.append(Timed(cursor, start, ""))
        elif intervals:
            start = cursor
        intervals.append(Timed(start, stop, one.text))
        cursor = stop
    if round(end_s - cursor, 6) > 0:
        intervals.append(Timed(cursor, end_s, ""))
    return intervals


def labels_of(phonemes: Sequence[Timed], silence: str = "SP") -> str:
    """Return HTS labels, one phoneme a row: beginning and end in units of 100 ns; gaps are silence."""
    end = max((one.end_s for one in phonemes), default=0.0)
    rows = (
        f"{round(one.start_s * _HTS_UNITS)} {round(one.end_s * _HTS_UNITS)} {one.text or silence}"
        for one in gapless(phonemes, end)
    )
    return "\n".join(rows) + "\n"
