from __future__ import annotations

import os
import time
from functools import partial

import pytest

from singsynth_mcp.artifacts.base import Manifest
from singsynth_mcp.artifacts.tenants import tenant_store, working_for
from singsynth_mcp.cpu_server.app import build_server as cpu_server
from singsynth_mcp.gpu_server.app import build_server as gpu_server
from singsynth_mcp.proxy.app import build_server as proxy
from singsynth_mcp.settings import Settings
from tests.processes import until
from tests.serving.http_clients import served

SETTINGS = {"artifacts_max_days": 30.0, "warm": ()}


@pytest.mark.parametrize("build", [cpu_server, gpu_server, partial(proxy, upstreams={})])
async def test_what_a_tenant_leaves_who_comes_no_more_goes_after_its_days(build):
    settings = Settings(**SETTINGS)
    kept = {}
    for tenant, days in (("gone", 31), ("away", 29)):
        with working_for(tenant):
            score = await tenant_store(settings).put(Manifest("score", {}, ()))
        folder = settings.artifacts / "tenants" / tenant
        kept[tenant] = folder / "manifests" / f"{score}.json"
        for path in (kept[tenant], folder / "pruned"):
            os.utime(path, (time.time() - days * 86_400,) * 2)
    async with served(build(settings, over_http=True)):
        await until(lambda: not kept["gone"].exists())
    assert kept["away"].exists()
