"""A bucket through aiobotocore: one client for an event loop, patience with what can pass, errors of our own.

aiobotocore is imported at the first call. A client is closed with its event loop: it lives in an asynchronous
generator, which the loop ends before it closes.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import anyio

from singsynth_mcp.errors import StorageProblem, StorageUnavailable

logger = logging.getLogger(__name__)
_Answer = TypeVar("_Answer")
_CONNECTIONS = 32
_PASSING = frozenset(
    {
        "BadDigest", "ConditionalRequestConflict", "IncompleteBody", "InternalError", "OperationAborted",
        "RequestTimeout", "ServiceUnavailable", "SlowDown", "Throttling", "ThrottlingException",
        "TooManyRequestsException",
    }
)  # fmt: skip
_NO_WAY_IN = "Give its keys in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or by any other way that AWS's tools know."
_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[Any, ...], _Held]] = WeakKeyDictionary()


@dataclass(frozen=True)
class Patience:
    """How long a bucket is waited for."""

    pauses_seconds: tuple[float, ...] = (0.2, 0.8, 3.0, 8.0)
    """Before each further attempt of what failed in a way that can pass; each is shortened by up to a half at random,
    so that servers that were refused together do not come back together."""
    connect_seconds: float = 5.0
    answer_seconds: float = 30.0
    """Between two bytes of an answer."""


class Refusal(Exception):
    """An answer that the caller expected among others: no such key, a condition that does not hold."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Bucket:
    """One bucket of an S3-compatible service."""

    def __init__(self, name: str, *, endpoint: str | None = None, patience: Patience | None = None) -> None:
        self.name = name
        self._endpoint = endpoint or None
        self._patience = patience or Patience()

    async def ask(self, operation: str, *, expected: Collection[str] = (), **arguments: Any) -> dict[str, Any]:
        """Return the answer to an operation of the S3 API on this bucket; see `insist` for what it raises."""

        async def act(client: Any) -> dict[str, Any]:
            answer: dict[str, Any] = await getattr(client, operation)(Bucket=self.name, **arguments)
            return answer

        return await self.insist(act, expected=expected)

    async def insist(self, act: Callable[[Any], Awaitable[_Answer]], *, expected: Collection[str] = ()) -> _Answer:
        """Return what `act(client)` gives; do it again, after a pause, where that can help.

        An act may have been done although it failed: its answer was lost. It has to be one that may be done twice.
        Raises Refusal for an error code that is `expected`, StorageProblem for another, StorageUnavailable.
        """
        for pause in (*self._patience.pauses_seconds, None):
            try:
                return await act(await self._client())
            except Exception as error:
                reason = _what_can_pass(error)
                if reason is None:
                    if (told := self._told(error, expected)) is error:
                        raise
                    raise told from error
                if pause is None:
                    raise StorageUnavailable(f"the bucket {self.name} does not answer: {reason}") from error
                logger.warning("bucket %s: %s; tried again in %g s", self.name, reason, pause)
            await anyio.sleep(pause * random.uniform(0.5, 1.0))
        raise AssertionError("the last attempt returns or raises")

    async def sign(self, operation: str, seconds: int, **arguments: Any) -> str:
        """Return a URL by which anybody may do one operation for a while."""
        client = await self._client()
        arguments = {"Bucket": self.name, **arguments}
        try:
            url: str = await client.generate_presigned_url(operation, Params=arguments, ExpiresIn=seconds)
        except Exception as error:
            raise self._told(error, ()) from error
        return url

    def _told(self, error: Exception, expected: Collection[str]) -> Exception:
        """Return what to raise for an error that will not pass; a defect stays as it is."""
        from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError

        if isinstance(error, NoCredentialsError | PartialCredentialsError):
            return StorageProblem(f"there are no credentials for the bucket {self.name}", hint=_NO_WAY_IN)
        if isinstance(error, ClientError):
            code = error.response.get("Error", {}).get("Code", "")
            if code in expected:
                return Refusal(code)
            hint = (
                "Check the bucket and prefix in SINGSYNTH_ARTIFACTS, SINGSYNTH_S3_ENDPOINT, and what its keys may do."
            )
            return StorageProblem(f"the bucket {self.name} refuses {error.operation_name}: {code}", hint=hint)
        if isinstance(error, BotoCoreError):
            hint = "Check SINGSYNTH_ARTIFACTS, SINGSYNTH_S3_ENDPOINT and the AWS_ variables."
            return StorageProblem(f"the bucket {self.name} cannot be used: {error}", hint=hint)
        return error

    async def _client(self) -> Any:
        patience = self._patience
        ours = _clients.setdefault(asyncio.get_running_loop(), {})
        key = (self._endpoint, patience.connect_seconds, patience.answer_seconds)
        held = ours.setdefault(key, _Held(*key))
        return await held.client()


class _Held:
    """A client that is made once, however many ask for it at the same time."""

    def __init__(self, endpoint: str | None, connect_seconds: float, answer_seconds: float) -> None:
        self._lock = asyncio.Lock()
        self._make = partial(_hold, endpoint, connect_seconds, answer_seconds)
        self._holder: AsyncIterator[Any] | None = None
        self._client: Any = None

    async def client(self) -> Any:
        async with self._lock:
            if self._client is None:
                self._holder = self._make()
                try:
                    self._client = await anext(self._holder)
                except ValueError as error:  # an endpoint that is no URL
                    hint = "Set SINGSYNTH_S3_ENDPOINT to a URL like https://s3.example."
                    raise StorageProblem(f"the bucket's service cannot be called: {error}", hint=hint) from error
        return self._client


async def _hold(endpoint: str | None, connect_seconds: float, answer_seconds: float) -> AsyncIterator[Any]:
    from aiobotocore.config import AioConfig
    from aiobotocore.session import get_session

    config = AioConfig(
        signature_version="s3v4",
        s3={"addressing_style": "path" if endpoint else "auto"},
        retries={"total_max_attempts": 1},  # `insist` does it: it also covers bodies that break off
        connect_timeout=connect_seconds,
        read_timeout=answer_seconds,
        max_pool_connections=_CONNECTIONS,
        # We send the SHA-256 of all that we put and check what we get; not every service knows the other checksums.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    async with get_session().create_client("s3", endpoint_url=endpoint, config=config) as client:
        try:
            yield client
        finally:
            _clients.pop(asyncio.get_running_loop(), None)


def _what_can_pass(error: Exception) -> str | None:
    """Return in words why an attempt failed when another may not; None when it would fail in the same way."""
    from aiohttp import ClientError as WebError
    from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError

    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        code = error.response.get("Error", {}).get("Code", "")
        passing = code in _PASSING or status == 429 or (status >= 500 and status != 501)
        return f"{code} (HTTP {status})" if passing else None
    if isinstance(error, HTTPClientError | IncompleteReadError | WebError | ConnectionError | TimeoutError):
        return type(error).__name__
    return None
