"""`singsynth-mcp worker`: do the jobs that gpu servers queue in Redis."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Literal

from cyclopts import Parameter, validators


def worker(
    *,
    role: Literal["all", "inference", "vocoder"] = "all",
    concurrency: Annotated[int, Parameter(validator=validators.Number(gte=1, lte=64))] = 1,
) -> None:
    """Do the jobs that gpu servers queue in the Redis of SINGSYNTH_REDIS, until told to stop.

    :param role: Which queue to work on.
    :param concurrency: How many jobs of a queue at once.
    """
    import anyio

    from singsynth_mcp.gpu_server.worker import run_worker
    from singsynth_mcp.serving import metrics
    from singsynth_mcp.serving.logs import log_to_stderr
    from singsynth_mcp.serving.memory import use_few_arenas
    from singsynth_mcp.serving.traces import export_traces
    from singsynth_mcp.settings import Settings

    use_few_arenas()
    settings = Settings()
    log_to_stderr(settings.log_level, content=settings.log_content)
    metrics.start(shown=False)
    export_traces("singsynth-worker")
    anyio.run(partial(run_worker, settings, role, concurrency))
