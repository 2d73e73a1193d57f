"""The second half of ``make voice`` on a made corpus: fit, export, sing, measure."""

import os
from argparse import Namespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
psutil = pytest.importorskip("psutil")
pytest.importorskip("onnxscript")
pytest.importorskip("scipy")
pytest.importorskip("pyworld")

from tests.training.made_examples import made_example  # noqa: E402
from training import bank, render_corpus  # noqa: E402
from training.__main__ import fit, warn_of_other_work  # noqa: E402
from training.bank import assemble  # noqa: E402
from training.examples import save_examples  # noqa: E402
from training.fit import fits_folder  # noqa: E402
from training.render_corpus import shard_paths  # noqa: E402
from training.report.chain import Choices, Singer  # noqa: E402
from training.report.corpus import held_out_examples, judge_example, open_bank  # noqa: E402
from training.report.judging import judge  # noqa: E402
from training.report.songbook import load_songs  # noqa: E402
from training.stages import STAGES  # noqa: E402


@pytest.mark.slow
def test_fit_and_export_make_a_voicebank_that_sings_and_is_measured(tmp_path, monkeypatch):
    monkeypatch.setenv("SINGSYNTH_TRAINING_CACHE", str(tmp_path / "cache"))
    shards = tmp_path / "shards"
    shards.mkdir()
    save_examples(shards / "0000-linnet.npz", [made_example(i) for i in range(45)])
    monkeypatch.setattr(render_corpus, "corpus_folder", lambda seed: shards)
    monkeypatch.setattr(bank, "SHIPPED", tmp_path / "aviary")
    options = Namespace(budget=0.1, seed=1, threads=1, stages=None, onward=False, until=None, device="cpu")

    fit(options)
    for name in STAGES:
        assert (fits_folder(1, onward=False) / f"{name}.pt").is_file()
    folder = assemble(fits_folder(1, onward=False), target=tmp_path / "aviary")
    assert not list(tmp_path.glob(".aviary*"))
    assert assemble(fits_folder(1, onward=False), target=tmp_path / "aviary") == folder  # replaces what is there

    held_out = held_out_examples(shard_paths(shards))
    assert [len(examples) for examples in held_out.values()] == [2]
    values = judge_example(open_bank(folder), held_out["linnet", "ja"][0])
    assert {"vocoder_stft", "vocoder_mcd", "chain_mcd", "net_mel", "net_pitch"} <= set(values)
    assert all(np.isfinite(found).all() for found in values.values())

    singer = Singer(str(folder), tmp_path / "artifacts", threads=1)
    assert singer.bank.root.resolve() == folder.resolve(), "not the voicebank of that name that ships"
    heard = judge(singer.sing(load_songs("ja")[0].line_alone(0), Choices("linnet")))
    assert heard["bad_samples"].sum() == 0
    assert len(heard["notes"]) == 12


def test_a_fit_beside_other_work_is_warned_of(monkeypatch, capsys):
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(psutil, "cpu_percent", lambda interval: 50.0)
    warn_of_other_work(1)
    assert not capsys.readouterr().err
    warn_of_other_work(2)
    assert "--threads 1" in capsys.readouterr().err
