"""What every test shares: no async test may hang, and none touches the user's cache."""

from __future__ import annotations

import functools
import inspect

import anyio
import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")  # a busy machine is no fault of the code's

_LONGEST_SECONDS = 60
_LONGEST_SLOW_SECONDS = 600


def pytest_addoption(parser):
    parser.addoption("--thorough", action="store_true", help="also the fuzz runs of a minute and more")


def pytest_collection_modifyitems(items):
    for item in items:
        if isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.obj):
            item.obj = _bounded(
                item.obj, _LONGEST_SLOW_SECONDS if item.get_closest_marker("slow") else _LONGEST_SECONDS
            )


def _bounded(test, seconds):
    @functools.wraps(test)
    async def bounded(*args, **kwargs):
        with anyio.fail_after(seconds):
            await test(*args, **kwargs)

    return bounded


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory, monkeypatch):
    cache = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("SINGSYNTH_CACHE", str(cache))
    monkeypatch.setenv("SINGSYNTH_ARTIFACTS", str(cache / "artifacts"))
    monkeypatch.setenv("SINGSYNTH_OUTPUT", str(cache / "output"))
    monkeypatch.setenv("SINGSYNTH_USER_VOICEBANKS", str(cache / "voicebanks"))
    monkeypatch.setenv("SINGSYNTH_DICTIONARIES", str(cache / "dictionaries"))
