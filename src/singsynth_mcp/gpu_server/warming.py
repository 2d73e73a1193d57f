"""Models are opened before the first call asks for them, so that no caller waits for that."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Literal

import anyio

from singsynth_mcp.errors import InternalError, SingSynthError
from singsynth_mcp.jobs.base import Role
from singsynth_mcp.serving.health import Readiness
from singsynth_mcp.settings import Settings

RoleChoice = Literal["inference", "vocoder", "all"]
ROLES: dict[RoleChoice, tuple[Role, ...]] = {
    "inference": ("inference",),
    "vocoder": ("vocoder",),
    "all": ("inference", "vocoder"),
}
_MODELS = "models"
logger = logging.getLogger(__name__)


def open_models(settings: Settings, roles: Sequence[Role]) -> None:
    """Open the models of `roles` of each voicebank to be warm; blocks. Raises UnknownVoicebank, InvalidVoicebank."""
    from singsynth_mcp.gpu_server.rendering import engine_of
    from singsynth_mcp.synthesis.predictors import open_predictor
    from singsynth_mcp.synthesis.vocoder import checked_vocoder
    from singsynth_mcp.voicebanks import get_voicebank

    engine = engine_of(settings)
    for name in settings.warm if settings.warm is not None else (settings.default_voicebank,):
        bank = get_voicebank(name, settings.voicebank_folders)
        if "inference" in roles:
            for stage in ("durations", "pitch", "variance"):
                open_predictor(bank, stage, engine)
            engine.open(bank.acoustic.model("acoustic"))
        if "vocoder" in roles:
            config, path = checked_vocoder(bank)
            engine.open(path, on_cpu=config.force_on_cpu)
        logger.info("%s is warm for %s", name, " and ".join(roles))


@asynccontextmanager
async def warming(settings: Settings, roles: Sequence[Role], readiness: Readiness) -> AsyncIterator[None]:
    """Open the models beside what is served meanwhile; ready when that is done, and never where it cannot be."""

    async def warm() -> None:
        try:
            await anyio.to_thread.run_sync(open_models, settings, roles)
        except SingSynthError as error:
            logger.error("no warm start: %s", error)
            readiness.wait_for(_MODELS, str(error))
        except Exception as error:
            logger.exception("no warm start")
            readiness.wait_for(_MODELS, str(InternalError.of("warming", error)))
        else:
            readiness.settled(_MODELS)

    if not roles:
        yield
        return
    readiness.wait_for(_MODELS, "they are being opened")
    async with anyio.create_task_group() as group:
        group.start_soon(warm)
        yield
