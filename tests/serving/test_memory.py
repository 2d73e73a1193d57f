"""What servers keep of calls that are answered: nothing that grows."""

from __future__ import annotations

import gc
import json
import subprocess
import sys

import pytest

from singsynth_mcp.contracts.audio import AudioResult
from singsynth_mcp.cpu_server.app import build_server as cpu_server
from singsynth_mcp.serving.access.access import Access
from singsynth_mcp.serving.access.keys import KeyFile, KeyLimits, add_key
from singsynth_mcp.settings import Settings
from tests.processes import environment
from tests.proxy.made_upstreams import proxy_over
from tests.serving.http_clients import call, served
from tests.serving.made_server import made_server

COUNT_ARENAS = """
import ctypes, threading
from singsynth_mcp.serving.memory import use_few_arenas

use_few_arenas()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
together = threading.Barrier(12)

def allocate():
    together.wait()  # all of them live at once
    libc.malloc(1000)
    together.wait()

threads = [threading.Thread(target=allocate) for _ in range(12)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
libc.fdopen.restype = ctypes.c_void_p
out = ctypes.c_void_p(libc.fdopen(1, b"w"))
libc.malloc_info(0, out)
libc.fflush(out)
"""


_DROPPED_NOW_AND_THEN = {"ReferenceType", "TimerHandle", "Context", "hamt", "hamt_bitmap_node", "hamt_array_node"}
"""Dead references and cancelled timers (with their contexts): sqlite3 and asyncio forget them by the hundred."""


def held():
    gc.collect()
    return sum(type(each).__name__ not in _DROPPED_NOW_AND_THEN for each in gc.get_objects())


def song(number):
    return {"text": json.dumps({"tempo": 60 + number / 100, "notes": [["C4", 1, "la"], ["E4", 1, "la"]]})}


async def test_what_a_proxy_and_its_server_hold_does_not_grow_with_the_calls(tmp_path, monkeypatch):
    monkeypatch.setenv("SINGSYNTH_LEDGER", str(tmp_path / "usage.sqlite"))
    token = add_key(tmp_path / "keys.json", "alice", limits=KeyLimits(requests_per_day=1000))
    proxy = proxy_over({"cpu": cpu_server(Settings())})
    after = []
    async with served(proxy, access=Access(keys=KeyFile(tmp_path / "keys.json"))) as client:
        for number in range(90):
            score = (await call(client, "parse_score", song(number), token)).structured_content["id"]
            assert not (await call(client, "phonemize", {"score": score}, token)).is_error
            if number in (29, 59, 89):
                after.append(held())
    assert after[2] - after[1] < 30  # for 60 calls; until the second look things settle


async def test_of_jobs_that_have_ended_so_many_are_kept():
    async def vocode(request, on_progress):
        return AudioResult(id="audio-0123456789ab")

    after = []
    async with served(made_server(vocode=vocode)) as client:
        for number in range(340):
            assert not (await call(client, "vocode", {"mel": f"mel-{number:012x}"})).is_error
            if number in (279, 299, 339):
                after.append(held())
    assert after[2] - after[1] < 20


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the arenas are glibc's")
@pytest.mark.parametrize(("chosen", "arenas"), [(None, range(1, 3)), ("5", range(3, 6))])
def test_threads_share_few_arenas_unless_somebody_has_chosen(chosen, arenas):
    env = {name: value for name, value in environment().items() if name != "MALLOC_ARENA_MAX"}
    env |= {} if chosen is None else {"MALLOC_ARENA_MAX": chosen}
    done = subprocess.run([sys.executable, "-c", COUNT_ARENAS], env=env, capture_output=True, text=True, check=True)
    if "<heap nr" not in done.stdout:
        pytest.skip("another C library")
    assert done.stdout.count("<heap nr") in arenas
