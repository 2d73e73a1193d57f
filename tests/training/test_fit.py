import dataclasses

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("scipy")

from tests.training.made_examples import made_example  # noqa: E402
from training.batches import HELD_OUT_EVERY, load_corpus, placed  # noqa: E402
from training.examples import save_examples  # noqa: E402
from training.fit import ALONE_STEPS, Draws, Fitting  # noqa: E402
from training.render_corpus import SHARD_EXAMPLES  # noqa: E402
from training.singers import SPEAKERS  # noqa: E402
from training.stage import fitted  # noqa: E402
from training.stages import STAGES  # noqa: E402


@pytest.fixture(scope="module")
def phrases(tmp_path_factory):
    shard = tmp_path_factory.mktemp("shards") / "0.npz"
    save_examples(shard, [made_example(i) for i in range(45)])
    return load_corpus([shard])


def test_some_phrases_are_held_out(phrases):
    trained, held_out = phrases
    assert (len(trained), len(held_out)) == (43, 2)


def test_of_every_singer_phrases_are_held_out():
    shards = [np.full(SHARD_EXAMPLES, singer) for _ in range(480 // SHARD_EXAMPLES) for singer in range(len(SPEAKERS))]
    assert np.bincount(np.concatenate(shards)[::HELD_OUT_EVERY]).tolist() == [13, 14, 13, 12]


@pytest.mark.parametrize("name", STAGES)
def test_every_stage_learns(name, phrases):
    torch.manual_seed(0)
    stage = STAGES[name]()
    stage.batch = 2
    optimiser = torch.optim.AdamW(stage.modules.parameters(), lr=2e-3)
    totals = []
    for step in range(30):
        losses = stage.losses(stage.draw(phrases[0], np.random.default_rng(step)))
        total = torch.stack(list(losses.values())).sum()
        optimiser.zero_grad()
        total.backward()
        optimiser.step()
        totals.append(float(total.detach()))
    assert np.mean(totals[-5:]) < 0.8 * np.mean(totals[:3])


@pytest.mark.parametrize("name", STAGES)
def test_every_stage_is_fitted_on_its_device(name, phrases, monkeypatch):
    """The meta device holds no numbers, but mixing it with the CPU fails as mixing any two devices does."""
    monkeypatch.setattr(torch.Tensor, "__float__", lambda tensor: 1.0)
    device = torch.device("meta")
    stage = STAGES[name]().to(device)
    stage.batch = 2
    with device:
        losses = stage.losses(placed(stage.draw(phrases[0], np.random.default_rng(0)), device))
        torch.stack(list(losses.values())).sum().backward()
    assert {loss.device for loss in losses.values()} == {device}
    assert all(weight.grad is not None for net, weight in stage.modules.named_parameters() if net != stage.judge)


def test_what_is_not_shown_is_not_asked_for(phrases):
    stage = STAGES["acoustic"]()
    stage.batch, stage.length, stage.masked_share = 2, 64, 1.0
    losses = stage.losses(stage.draw(phrases[0], np.random.default_rng(0)))
    assert {name for name, loss in losses.items() if loss > 0} == {"discriminator", "adversarial"}


def test_batches_drawn_ahead_by_other_processes_are_the_same(phrases):
    stage = STAGES["acoustic"]()
    stage.batch, stage.length = 2, 32
    draws = Draws(stage, phrases[0], 1)
    for step, batch in zip(range(3, 8), draws.ahead(3, processes=2), strict=False):
        alone = draws[step]
        assert batch.keys() == alone.keys()
        assert all(torch.equal(batch[name].nan_to_num(), value.nan_to_num()) for name, value in alone.items())


def test_an_interrupted_run_goes_on_where_it_stopped(phrases, tmp_path):
    def fitting(seconds):
        torch.manual_seed(0)
        stage = STAGES["durations"]()
        stage.batch = 2
        return Fitting(stage, seconds, 1, tmp_path)

    first = fitting(0.5)
    first.run(phrases[0])
    again = fitting(0.5)
    assert again.progress.step == first.progress.step > 0
    for name, value in first.stage.modules.state_dict().items():
        assert torch.equal(value, again.stage.modules.state_dict()[name])
    again.run(phrases[0])
    assert again.progress.step == first.progress.step  # its time was up already


def test_a_fit_that_goes_on_keeps_a_quarter_of_its_way_on_two_cores(phrases, tmp_path):
    stage = STAGES["durations"]()
    begun = {name: value.clone() for name, value in stage.modules.state_dict().items()}
    fitting = Fitting(stage, 0.3, 1, tmp_path, onward=True)
    fitting.pace = dataclasses.replace(fitting.pace, mean_decay=0.0)
    for _ in range(2):  # the second time has nothing left to do
        fitting.run(phrases[0])
        for name, value in fitting.weights.items():
            torch.testing.assert_close(fitting.mean[name], 0.25 * value + 0.75 * begun[name])
    assert any(not torch.equal(value, begun[name]) for name, value in fitting.weights.items())


def test_the_mean_of_fits_lies_between_them(tmp_path):
    nets, folders = [STAGES["durations"]() for _ in range(2)], [tmp_path / "one", tmp_path / "other"]
    for stage, folder in zip(nets, folders, strict=True):
        folder.mkdir()
        torch.save({"mean": stage.modules.state_dict()}, folder / "durations.pt")
    mean = fitted(STAGES["durations"](), *folders).modules.state_dict()
    for name, value in mean.items():
        one, other = (stage.modules.state_dict()[name] for stage in nets)
        torch.testing.assert_close(value, (one + other) / 2)


def test_a_fit_that_goes_on_lets_the_fresh_judge_learn_before_the_net_moves(phrases, tmp_path):
    torch.manual_seed(0)
    stage = STAGES["acoustic"]()
    stage.batch, stage.length = 1, 16
    fitting = Fitting(stage, 60.0, 1, tmp_path, onward=True)
    begun = {name: value.clone() for name, value in stage.modules.state_dict().items()}
    batches = Draws(stage, phrases[0], 1)
    for step in range(3):
        fitting.step(batches[step])
    moved = {n.split(".")[0] for n, v in stage.modules.state_dict().items() if not torch.equal(v, begun[n])}
    assert moved == {"discriminator"}
    fitting.progress.step = ALONE_STEPS
    fitting.step(batches[3])
    moved = {n.split(".")[0] for n, v in stage.modules.state_dict().items() if not torch.equal(v, begun[n])}
    assert moved == {"acoustic", "discriminator"}
