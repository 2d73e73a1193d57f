"""The discriminator learns what is true, and what it taught reaches the net that it judges and nothing else."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from training.discriminator import Discriminator, contest  # noqa: E402


def _mels(seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return a smooth mel, the same with the grain that true ones have, and the mel of its pulses."""
    generator = torch.Generator().manual_seed(seed)
    smooth = torch.linspace(0.0, -6.0, 128).expand(2, 40, 128) + torch.randn(2, 1, 1, generator=generator)
    return smooth, smooth + 0.5 * torch.randn(2, 40, 128, generator=generator), torch.zeros(2, 40, 128)


def test_it_learns_to_tell_smoothed_mels_from_true_ones():
    torch.manual_seed(1)
    discriminator = Discriminator()
    optimiser = torch.optim.AdamW(discriminator.parameters(), lr=2e-3)
    for seed in range(60):
        smooth, true, pulses = _mels(seed)
        optimiser.zero_grad()
        contest(discriminator, smooth, true, pulses)["discriminator"].backward()
        optimiser.step()
    smooth, true, pulses = _mels(1000)
    with torch.no_grad():
        verdicts = [float(discriminator(mel, pulses)[0].mean()) for mel in (smooth, true)]
    assert verdicts[1] - verdicts[0] > 0.5


def test_each_side_of_the_contest_is_taught_by_its_own_losses():
    discriminator = Discriminator()
    smooth, true, pulses = _mels(1)
    mel = smooth.clone().requires_grad_()
    losses = contest(discriminator, mel, true, pulses)
    (losses["adversarial"] + losses["features"]).backward(retain_graph=True)
    assert mel.grad is not None
    assert mel.grad.abs().sum() > 0
    assert all(weight.grad is None for weight in discriminator.parameters())
    mel.grad = None
    losses["discriminator"].backward()
    assert mel.grad is None
    assert all(weight.grad is not None for weight in discriminator.parameters())
