"""The second half of ``make voice`` on a made corpus: fit, export, sing, measure."""

from argparse import Namespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")
pytest.importorskip("scipy")
pytest.importorskip("pyworld")

from tests.training.made_examples import made_example  # noqa: E402
from training import bank, render_corpus  # noqa: E402
from training.__main__ import fit, report  # noqa: E402
from training.bank import assemble  # noqa: E402
from training.examples import save_examples  # noqa: E402
from training.fit import fits_folder  # noqa: E402
from training.stages import STAGES  # noqa: E402


@pytest.mark.slow
def test_fit_export_and_report_make_a_voicebank_that_sings(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SINGSYNTH_TRAINING_CACHE", str(tmp_path / "cache"))
    shards = tmp_path / "shards"
    shards.mkdir()
    save_examples(shards / "0000-linnet.npz", [made_example(i) for i in range(45)])
    monkeypatch.setattr(render_corpus, "corpus_folder", lambda: shards)
    monkeypatch.setattr(bank, "SHIPPED", tmp_path / "aviary")
    options = Namespace(budget=0.1, seed=1, threads=1, stages=None, onward=False)

    fit(options)
    for name in STAGES:
        assert (fits_folder(onward=False) / f"{name}.pt").is_file()
    folder = assemble(fits_folder(onward=False), tmp_path / "aviary")
    assert not list(tmp_path.glob(".aviary*"))
    assert assemble(fits_folder(onward=False), tmp_path / "aviary") == folder  # replaces what is there
    capsys.readouterr()
    report(options)
    table = capsys.readouterr().out
    assert "note bodies within 20 cents" in table
    assert np.all(["|" in line for line in table.strip().splitlines()])
