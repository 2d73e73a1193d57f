"""Measure a voicebank: ``python -m training report``, or ``python -m training.report --voicebank ID`` for any other.

Whisper (words), DNSMOS (naturalness) and the training cache (teacher, corpus phrases) are used where they are there;
what is missing is said in the report. The exit status is 1 when a bar is not met.
"""

from __future__ import annotations

import argparse
import shlex
import sys
import tempfile
from pathlib import Path

from singsynth_mcp.errors import SingSynthError
from training.report import hearing, naturalness
from training.report.ahead import measure_ahead
from training.report.chain import Singer
from training.report.controls import control_table, mix_table
from training.report.drawing import draw_pictures
from training.report.gathering import Ears, Gathering, gatherings, sung_languages
from training.report.page import Report
from training.report.songbook import load_songs

_DOCS = Path(__file__).parents[2] / "docs"


def main() -> None:
    """Measure, print the page and write it."""
    parser = argparse.ArgumentParser(prog="python -m training.report", description=__doc__)
    parser.add_argument("--voicebank", default="aviary", help="id or folder; the shipped voice when left out")
    parser.add_argument("--speakers", nargs="*", help="only these singers")
    parser.add_argument("--languages", nargs="*", help="only these languages")
    parser.add_argument("--output", type=Path, help="the page to write, pictures in a folder of its name beside it")
    parser.add_argument("--threads", type=int, default=0, help="threads of each model run; 0: one for each core")
    parser.add_argument("--processes", type=int, default=1, help="singers that are measured at the same time")
    parser.add_argument("--seed", type=int, default=1, help="of the corpus whose phrases the nets are measured on")
    parser.add_argument("--without", nargs="*", default=[], choices=["whisper", "dnsmos", "teacher", "corpus"])
    options = parser.parse_args()
    try:
        report = make_report(options)
    except SingSynthError as error:
        sys.exit(f"{error.code}: {error.message}. {error.hint}")
    page = report.page()
    print(page)
    if options.output is not None:
        temporary = options.output.with_suffix(".tmp")
        temporary.write_text(page, encoding="utf-8")
        temporary.replace(options.output)
    sys.exit(1 if report.unmet() else 0)


def make_report(options: argparse.Namespace) -> Report:
    """Measure what the options ask for. Raises UnknownVoicebank, InvalidVoicebank, and what the tools raise."""
    with tempfile.TemporaryDirectory() as folder:
        singer = Singer(options.voicebank, Path(folder) / "artifacts", options.threads)
        speakers = options.speakers or list(singer.bank.speakers) or [""]
        languages = options.languages or sung_languages(singer)
        ears = Ears.installed(options.without, Path(folder))
        found = gatherings(singer, speakers, languages, ears, teach="teacher" not in options.without)
        if options.processes > 1:
            measure_ahead(options, found)
        for gathering in found:
            print(f"{gathering.findings.speaker}, {gathering.findings.language}", file=sys.stderr, flush=True)
            gathering.gather()
            _note_missing(gathering, options)
        if "corpus" not in options.without:
            _judge_corpus(singer, found, options.seed)
        song, claimed = load_songs(languages[0])[0], found[0].claimed
        controls = control_table(singer, speakers[0], song, claimed)
        mix = "The voicebank has one singer."
        if len(speakers) > 1:
            mix = mix_table(singer, (speakers[0], speakers[1]), song, claimed)
        pictures = []
        if options.output is not None:
            pictures = draw_pictures(found, options.output.with_suffix(""))
        size = sum(path.stat().st_size for path in singer.bank.root.rglob("*") if path.is_file())
        command = shlex.join(["python", "-m", "training.report", *sys.argv[1:]])
        output = options.output.stem if options.output is not None else ""
        return Report(singer.bank.name, singer.bank.digest, size / 1e6, command, found, controls, mix, pictures, output)


def _note_missing(gathering: Gathering, options: argparse.Namespace) -> None:
    if gathering.ears.whisper is None and "whisper" not in options.without:
        gathering.findings.note(f"Whisper base: {hearing.MISSING}")
    if not gathering.ears.dnsmos and "dnsmos" not in options.without:
        gathering.findings.note(f"DNSMOS P808: {naturalness.MISSING}")
    for name in options.without:
        gathering.findings.note(f"left out: {name}")


def _judge_corpus(singer: Singer, found: list[Gathering], seed: int) -> None:
    """Add what the nets do on corpus phrases of a seed, where the cache holds phrases of a singer."""
    import numpy as np

    from training.render_corpus import corpus_folder, shard_paths
    from training.report import corpus
    from training.report.table import ELSEWHERE

    shards = shard_paths(corpus_folder(seed))
    examples = corpus.held_out_examples(shards) if shards else {}
    trained = corpus.trained_examples(shards) if shards else {}
    bank = corpus.open_bank(singer.bank.folder) if examples else None
    for gathering in found:
        findings = gathering.findings
        phrases = examples.get((findings.speaker, findings.language), [])
        if not phrases or bank is None:
            findings.note("vocoder alone, full chain against the teacher: the training cache holds no corpus of this")
            continue
        for example in phrases:
            findings.add(ELSEWHERE, corpus.judge_example(bank, example))
        gaps = [corpus.mel_gap(bank, example) for example in trained[findings.speaker, findings.language]]
        findings.add(ELSEWHERE, {"trained_mel": np.array(gaps)})


if __name__ == "__main__":
    main()
