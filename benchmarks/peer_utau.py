"""Sing a .ds file twice with the package diffsinger-utau and print what it took; runs in an environment of its own.

    python peer_utau.py SONG.ds VOICEBANK SPEAKER FOLDER

What its command `dsutau` does: each segment through all stages, then the segments mixed and written. It is repeated
here because the command takes no second song, and a warm process is to be measured too.
"""

from __future__ import annotations

import contextlib
import io
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any


def main() -> None:
    """Print the warm song's seconds and the process's peak memory as JSON."""
    song, voicebank, speaker, folder = sys.argv[1:]
    with contextlib.redirect_stdout(io.StringIO()):
        from diffsinger_utau.voice_bank.commons.ds_reader import DSReader
        from diffsinger_utau.voice_bank.pred_all import PredAll

        predictor = PredAll(Path(voicebank))
        _sing(predictor, DSReader(Path(song)).read_ds(), speaker, Path(folder, "first"))
        started = time.perf_counter()
        _sing(predictor, DSReader(Path(song)).read_ds(), speaker, Path(folder, "second"))
        warm = time.perf_counter() - started
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"warm": warm, "peak_mb": peak_mb}))


def _sing(predictor: Any, segments: list[Any], speaker: str, folder: Path) -> None:
    import numpy as np

    rate = predictor.dsvocoder.sample_rate
    sung = []
    for index, segment in enumerate(segments):
        results = predictor.predict_full_pipeline(
            ds=segment,
            lang=segment["lang"],
            speaker=speaker,
            output_dir=str(folder / str(index)),
            save_intermediate=False,
        )
        sung.append((max(0, round(float(segment["offset"]) * rate)), results["wav"].astype(np.float32)))
    mix = np.zeros(max(start + len(audio) for start, audio in sung), np.float32)
    for start, audio in sung:
        mix[start : start + len(audio)] += audio
    if np.abs(mix).max() < 0.01:
        raise RuntimeError("what it sang is silent")
    predictor.pred_vocoder.save_wav(np.clip(mix, -1, 1), folder / "song.wav")


if __name__ == "__main__":
    main()
