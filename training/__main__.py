"""Make the voicebank: ``python -m training all``, or one step of it by name.

``--onward`` goes on from the committed voicebank's weights instead of fitting from nothing, on songs of its own: what
was sung before the nets know by heart.

A voice from nothing takes the budget's minutes in all: at most three tenths of them to speak, and what the corpus and
the report leave to fit. ``--onward``, or a step by itself, has the budget for its fitting alone.

Steps, in order: speak (the teacher speaks the corpus), store (its parameters are measured and
repaired), render (they are sung), fit (the nets learn from that), export (the voicebank is
assembled), report (it is measured on phrases kept from training). Results lie in a cache outside
the repository; a step that was interrupted goes on where it stopped.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

SEED = 1

SPEAKING = 0.3
"""The share of the budget that speaking may take."""
REPORT_MINUTES = 35.0
"""What is kept for export and report, on two cores: the teacher has to learn the songs, however large the budget."""
LOOK_SECONDS = 3.0
"""How long the machine is looked at for other work."""


def _module(name: str) -> Callable[[argparse.Namespace], None]:
    """Return a step that runs a module of this package in a process of its own."""

    def run(options: argparse.Namespace) -> None:
        command = [sys.executable, "-m", f"training.{name}", "--processes", str(options.threads)]
        if name == "speak" and options.until is not None:
            command += ["--minutes", str(SPEAKING * options.budget)]
        if name == "render_corpus":
            command += ["--seed", str(options.seed), "--examples", str(options.examples)]
        subprocess.run(command, check=True)

    return run


def fit(options: argparse.Namespace) -> None:
    """Fit the stages one after the other, in the budget's minutes or what is left of them."""
    import torch

    from training.batches import load_corpus
    from training.fit import SHARES, fit_stage, fits_folder
    from training.render_corpus import corpus_folder, shard_paths

    torch.set_num_threads(options.threads)
    torch.set_float32_matmul_precision("high")  # on a GPU; to the CPU it makes no difference
    phrases, held_out = load_corpus(shard_paths(corpus_folder(options.seed)))
    minutes = sum(phrase.frames for phrase in phrases) * 512 / 44100 / 60
    print(f"{len(phrases)} phrases, {minutes:.0f} minutes; {len(held_out)} phrases held out")
    print(f"weights: {fits_folder(options.seed, onward=options.onward)}")
    left = options.budget if options.until is None else (options.until - time.monotonic()) / 60
    if left <= 0:
        sys.exit("The corpus took the whole budget. It is kept: run the same command again, or with a larger --budget.")
    device = torch.device(options.device)
    for name in options.stages or SHARES:
        losses = fit_stage(name, phrases, SHARES[name] * left, options.seed, device, onward=options.onward)
        print(f"{name}: " + ", ".join(f"{key} {value:.4f}" for key, value in losses.items()))


def export(options: argparse.Namespace) -> None:
    """Assemble the voicebank in assets/voicebanks."""
    from training.bank import assemble
    from training.fit import fits_folder

    print(assemble(fits_folder(options.seed, onward=options.onward), *options.also))


def _onward_seed() -> int:
    """Return a seed that no earlier fit has had."""
    from training.shipped import shipped_digest

    return int(shipped_digest(), 16) % 2**31


def report(options: argparse.Namespace) -> None:
    """Measure the voicebank and write docs/voice.md; by itself, the step fails when a bar is not met."""
    page = os.path.relpath(Path(__file__).parent.parent / "docs" / "voice.md")  # the page quotes the command
    command = [sys.executable, "-m", "training.report", "--output", page, "--processes", str(options.threads)]
    command += ["--seed", str(options.seed)]
    status = subprocess.run(command, check=False).returncode
    if status > 1 or (status and options.step == "report"):
        sys.exit(status)


def warn_of_other_work(threads: int) -> None:
    """Say so where other work leaves fewer cores than threads, which then wait for each other.

    Asked of the next seconds, not of the last minute: what a fresh clone installs is over by then.
    """
    import psutil

    cores = os.cpu_count() or 1
    busy = cores * psutil.cpu_percent(interval=LOOK_SECONDS) / 100
    if busy + threads > cores + 0.5:
        print(
            f"Other work has {busy:.1f} of the {cores} cores, and beside it {threads} threads fit many times slower. "
            "Stop it, or give --threads 1.",
            file=sys.stderr,
        )


STEPS: dict[str, Callable[[argparse.Namespace], None]] = {
    "speak": _module("speak"),
    "store": _module("store"),
    "render": _module("render_corpus"),
    "fit": fit,
    "export": export,
    "report": report,
}


def main() -> None:
    """Run the steps asked for and say how long each took."""
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    parser.add_argument("step", choices=["all", *STEPS])
    parser.add_argument("--budget", type=float, default=140.0, help="minutes, of all the steps or of fitting alone")
    parser.add_argument("--stages", nargs="*", help="fit only these nets")
    parser.add_argument("--onward", action="store_true", help="go on from the committed weights")
    parser.add_argument("--seed", type=int, help="of songs and batches; 1, or with --onward the committed weights'")
    parser.add_argument("--also", nargs="*", default=[], type=Path, metavar="FITS", help="export the mean with these")
    parser.add_argument("--examples", type=int, default=480, help="songs of each singer")
    parser.add_argument("--device", default="cpu", help="what the nets are fitted on: cpu, cuda")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    if options.seed is None:
        options.seed = _onward_seed() if options.onward else SEED
    print(f"seed {options.seed}")
    if options.step in ("all", "fit"):
        warn_of_other_work(options.threads)
    whole = options.step == "all" and not options.onward
    options.until = time.monotonic() + 60 * (options.budget - REPORT_MINUTES) if whole else None
    for name, step in STEPS.items():
        if options.step in ("all", name):
            began = time.monotonic()
            step(options)
            print(f"{name}: {(time.monotonic() - began) / 60:.1f} minutes", flush=True)


if __name__ == "__main__":
    main()
