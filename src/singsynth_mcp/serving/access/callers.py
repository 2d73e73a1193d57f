"""Who calls: found by the guard over HTTP, or the host that started this process; and for which tenant."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from singsynth_mcp.artifacts.tenants import LOCAL, TENANT, TENANT_PATTERN, working_for
from singsynth_mcp.errors import SingSynthError
from singsynth_mcp.serving.sources import CALLER_SCOPE_KEY, Context

TENANT_META_KEY = "singsynth/tenant"
OWN_META_PREFIX = "singsynth/"
"""Of the request metadata that servers of this package tell one another; a client's are removed by the proxy."""


class TenantRefused(SingSynthError):
    """A tenant named by a caller who may not name one."""

    code = "tenant_refused"
    usual_hint = "Only a proxy names tenants: with the server's own token (SINGSYNTH_TOKEN on both), or over stdio."


@dataclass(frozen=True)
class Limits:
    """What one caller may use; None: as much as it likes."""

    requests_per_minute: int | None = None
    requests_per_day: int | None = None
    audio_seconds_per_day: float | None = None
    compute_seconds_per_day: float | None = None


@dataclass(frozen=True)
class Caller:
    """Somebody whose token was good, or who needs none."""

    name: str = ""
    """The key's name, or a hash of an OAuth subject; empty where no token is asked for."""
    tenant: str = LOCAL
    is_proxy: bool = False
    """Whether it may name the tenant of each request: it has the server's own token, or it started this process."""
    limits: Limits = Limits()


HOST = Caller("host", is_proxy=True)
"""Who started this process and speaks to it over stdio."""
CALLER: ContextVar[Caller] = ContextVar("CALLER", default=HOST)
"""Whose request is being answered."""


def account_of(caller: Caller) -> dict[str, Any]:
    """Return what a server that does work later, or elsewhere, needs to know to count it for `caller`."""
    return {"name": caller.name, "is_proxy": caller.is_proxy}


@contextmanager
def on_account(account: Mapping[str, Any]) -> Iterator[None]:
    """Do what follows for the caller whose `account_of` this is."""
    name, is_proxy = str(account.get("name", "")), bool(account.get("is_proxy", False))
    token = CALLER.set(Caller(name, TENANT.get(), is_proxy))
    try:
        yield
    finally:
        CALLER.reset(token)


def caller_of(ctx: Context) -> Caller:
    """Return who sent a request."""
    if ctx.request is None:
        return HOST
    found = ctx.request.scope.get(CALLER_SCOPE_KEY)
    return found if isinstance(found, Caller) else Caller()


def tenant_of(caller: Caller, meta: Mapping[str, Any]) -> str:
    """Return for whom a request to an upstream server is: the tenant that a proxy names, else the caller's own.

    Raises TenantRefused: work must not land with another tenant because a proxy lacks the token.
    """
    named = meta.get(TENANT_META_KEY, caller.tenant)
    if named == caller.tenant:
        return caller.tenant
    if not caller.is_proxy:
        raise TenantRefused("this caller may not name a tenant")
    if not isinstance(named, str) or re.fullmatch(TENANT_PATTERN, named) is None:
        hint = "Lower-case letters, digits, - and _, at most 63."
        raise TenantRefused(f"{str(named)[:80]!r} is no name of a tenant", hint=hint)
    return named


@contextmanager
def answering(ctx: Context, *, believes_tenants: bool) -> Iterator[Caller]:
    """Answer a request as its caller's and for its tenant; a proxy (no believer) goes by the token alone.

    Raises TenantRefused.
    """
    caller = caller_of(ctx)
    tenant = tenant_of(caller, dict(ctx.meta or {})) if believes_tenants else caller.tenant
    token = CALLER.set(caller)
    try:
        with working_for(tenant):
            yield caller
    finally:
        CALLER.reset(token)
