from __future__ import annotations

import numpy as np
import pytest

from benchmarks.scaling import Service, print_cost, simulate


@pytest.mark.parametrize("load", [0.3, 0.6])
def test_waits_of_one_worker_are_those_of_queueing_theory(load):
    # M/D/1 (Pollaczek-Khinchine): mean wait = load * service / (2 (1 - load))
    waits = np.concatenate([simulate([Service(2.0, 0.0)], load / 2.0, 1, seed) for seed in range(5)])
    assert np.mean(waits) == pytest.approx(load * 2.0 / (2 * (1 - load)), rel=0.1)


def test_more_workers_wait_less():
    services = [Service(1.0, 0.5), Service(2.0, 1.0)]
    means = [np.mean(simulate(services, 0.6, workers)) for workers in (1, 2, 4)]
    assert means[0] > 3 * means[1] > 9 * means[2]


def test_a_sung_minute_costs_the_core_seconds_that_it_takes(capsys):
    print_cost(0.03, 0.04)  # 1.8 core seconds of 0.04 / 3600 each
    assert "| 0.030 | 0.04 | 0.020 |" in capsys.readouterr().out
