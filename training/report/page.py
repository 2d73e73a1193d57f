"""The report as a page: tables by singer and language, controls, pictures, and what each word means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from training.report.bars import NETS, measures
from training.report.gathering import Gathering
from training.report.table import Findings, Row, rows, table, unmet

_DEFINITIONS = """\
**Songs.** Six for each language (training/report/songs), written for this report: 12 lines of common words at 60–138
quarters a minute, 5 of made-up words at 84 and 150; no corpus text holds a line of them. Each is sung in three
registers of the singer's claimed range: low (its lowest note is the range's), high (its highest note is the range's)
and middle; one song also nine semitones below and eight above the range, for F0 alone. `all` pools the registers.

**Teacher.** The model that the singer's sounds were learned from speaks each line, and what it said is laid on the same
notes by the same rules as the training corpus; measured by the same code. A blank: the measure has no teacher.

**Measures.** F0: WORLD's harvest and stonemask in frames labelled voiced, three frames about phoneme edges left out;
gross errors do not count in the RMSE. Note bodies: the note without its first 120 and last 60 ms. Onsets: the steepest
rise of 300–1500 Hz energy, after unvoiced consonants. Voiced: correlated by 0.72 with itself one period later. Level
spread: of 20 ms in vowels and consonants, not breaths, within 40 dB of the loudest. Largest step: one frame about
phoneme edges left out. Whisper base reads each line by itself; the error is counted in kana for Japanese, in words for
other languages, in letters for made-up words of those, and divided by the line's length. DNSMOS P808 is made for
speech: compare a singer with that singer's teacher only.
The real-time factor counts `synthesize_audio` and `vocode` with their artifacts, as a user waits for them.
"""


@dataclass(frozen=True)
class Report:
    """All that the page says."""

    voicebank: str
    digest: str
    megabytes: float
    command: str
    gatherings: Sequence[Gathering]
    controls: str
    mix: str
    pictures: Sequence[tuple[str, str]]
    picture_folder: str

    def unmet(self) -> list[str]:
        """Return what misses its bar, with the singer and language."""
        found = [] if self.megabytes <= MOST_MEGABYTES else [f"size: {self.megabytes:.1f} MB"]
        for gathering in self.gatherings:
            found += [f"{_who(gathering.findings)}: {name}" for name in unmet(_rows(gathering))]
        return found

    def unjudged(self) -> list[str]:
        """Return the bars that nothing is known of, with the singer and language."""
        found = []
        for gathering in self.gatherings:
            judged = {row.measure.name for row in _rows(gathering) if row.met is not None}
            wanted = (measure.name for measure in measures(man=gathering.claimed[1] < 70))
            found += [f"{_who(gathering.findings)}: {name}" for name in wanted if name not in judged]
        return found

    def page(self) -> str:
        """Return the page as markdown."""
        parts = [
            f"# The voice: {self.voicebank}",
            f"Printed by `{self.command}`; voicebank digest {self.digest[:12]}.",
            f"Size of the voicebank: {self.megabytes:.1f} MB (bar ≤ {MOST_MEGABYTES:g} MB"
            f"{', met' if self.megabytes <= MOST_MEGABYTES else ', **not met**'}).",
        ]
        for gathering in self.gatherings:
            parts += [f"## {_who(gathering.findings)}", table(_rows(gathering))]
            nets = _net_rows(gathering.findings)
            if nets:
                parts += ["Nets on corpus phrases kept from training: " + "; ".join(nets) + "."]
            parts += ["\n".join(f"* {note}" for note in gathering.findings.notes)]
        parts += ["## Controls", self.controls, "## A mix that moves", self.mix]
        if self.pictures:
            parts += ["## Pictures", "Above the voice, below its teacher singing the same line.", _gallery(self)]
        parts += [
            "## Bars",
            _verdict(self.unmet(), self.unjudged()),
            "## What is measured, and how",
            _DEFINITIONS.rstrip(),
        ]
        return "\n\n".join(part for part in parts if part) + "\n"


MOST_MEGABYTES = 30.0


def _rows(gathering: Gathering) -> list[Row]:
    return rows(gathering.findings, measures(man=gathering.claimed[1] < 70))


def _net_rows(findings: Findings) -> list[str]:
    from dataclasses import replace

    found = rows(findings, [replace(measure, registers=()) for measure in NETS])
    return [f"{row.measure.name} {row.measure.form.format(row.value)}" for row in found]


def _who(findings: Findings) -> str:
    return f"{findings.speaker or 'The voice'}, {findings.language}"


def _gallery(report: Report) -> str:
    return "\n\n".join(
        f"{caption}\n\n![{caption}]({report.picture_folder}/{name})" for name, caption in report.pictures
    )


def _verdict(missed: Sequence[str], unjudged: Sequence[str]) -> str:
    parts = ["Not met:", *(f"* {name}" for name in missed)] if missed else ["Every bar that was judged is met."]
    if unjudged:
        parts += [
            "",
            "Not judged, for want of the teacher, the corpus or a judge:",
            *(f"* {name}" for name in unjudged),
        ]
    return "\n".join(parts).replace(":\n*", ":\n\n*")
