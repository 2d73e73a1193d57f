"""`singsynth-mcp worker`: do the jobs that gpu servers queue in Redis."""

from __future__ import annotations

import logging
from functools import partial
from typing import Annotated, Literal

from cyclopts import Parameter, validators

logger = logging.getLogger(__name__)


def worker(
    *,
    role: Literal["all", "inference", "vocoder"] = "all",
    concurrency: Annotated[int, Parameter(validator=validators.Number(gte=1, lte=64))] = 1,
    metrics_port: Annotated[int | None, Parameter(validator=validators.Number(gte=0, lte=65535))] = None,
    metrics_host: str = "127.0.0.1",
) -> None:
    """Do the jobs that gpu servers queue in the Redis of SINGSYNTH_REDIS, until told to stop.

    :param role: Which queue to work on.
    :param concurrency: How many jobs of a queue at once.
    :param metrics_port: Show its figures there for Prometheus (0: on any port that is free).
    :param metrics_host: The address for that; everybody who reaches it may read them.
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
    if metrics_port is not None:
        port = metrics.serve_page(metrics_host, metrics_port)
        logger.info("figures at http://%s:%d/metrics", metrics_host, port)
    export_traces("singsynth-worker")
    anyio.run(partial(run_worker, settings, role, concurrency))
