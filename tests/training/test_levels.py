import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("scipy")

from training.levels import Effort, tension  # noqa: E402
from training.nets import bands  # noqa: E402


def _tilted(f0: float, tilt_db: float) -> float:
    none, hertz = torch.zeros(1), bands().hertz
    falling = torch.linspace(-2.0, -7.0, len(hertz)).expand(1, 20, -1)
    hz = torch.full((1, 20), f0)
    return tension(Effort(none, none, torch.tensor([tilt_db])).tone(falling, hertz, hz), hz, hertz).mean().item()


@pytest.mark.parametrize("f0", [110.0, 220.0, 440.0, 880.0])
def test_more_overtones_are_more_tension(f0):
    curve = [_tilted(f0, tilt) for tilt in (-4.0, -2.0, 0.0, 2.0, 4.0)]
    assert (np.diff(curve) > 0.1).all()


def test_what_lies_below_the_first_harmonic_is_not_heard():
    hertz, hz = bands().hertz, torch.full((1, 9), 440.0)
    plain = torch.full((1, 9, len(hertz)), -3.0)
    louder = torch.where(hertz < 200.0, 0.0, -3.0).expand(1, 9, -1)
    torch.testing.assert_close(tension(louder, hz, hertz), tension(plain, hz, hertz))
