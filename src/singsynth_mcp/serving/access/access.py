"""Who gets in: by the server's own token, a key of the file, or an access token of the issuer."""

from __future__ import annotations

import hmac
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlparse

from singsynth_mcp.errors import InvalidRequest
from singsynth_mcp.serving.access.callers import Caller, Limits
from singsynth_mcp.serving.access.limits import Rates
from singsynth_mcp.settings import Settings

if TYPE_CHECKING:
    from mcp.server.auth.provider import TokenVerifier

    from singsynth_mcp.serving.access.keys import KeyFile
    from singsynth_mcp.serving.access.oauth import OAuthRules

OPERATOR = "operator"
MAX_REQUEST_BYTES = 4 * 2**20


@dataclass(frozen=True)
class Refusal:
    """Why a request is not let in, as HTTP says it."""

    status: int
    error: str
    words: str
    challenge: str = ""
    retry_seconds: float | None = None


class Access:
    """Finds callers by their Authorization header."""

    def __init__(
        self,
        *,
        token: str | None = None,
        keys: KeyFile | None = None,
        oauth: tuple[OAuthRules, TokenVerifier] | None = None,
        max_requests: int = 512,
        max_request_bytes: int = MAX_REQUEST_BYTES,
    ) -> None:
        self._token = token.encode() if token else None
        self._keys = keys
        self._oauth = oauth
        self.max_requests = max_requests
        self.max_request_bytes = max_request_bytes
        self.rates = Rates()

    @classmethod
    def from_settings(cls, settings: Settings) -> Access:
        """Return what the settings ask for. Raises FileProblem, InvalidRequest."""
        from singsynth_mcp.serving.access.keys import KeyFile

        return cls(
            token=settings.token.get_secret_value() if settings.token else None,
            keys=KeyFile(settings.keys) if settings.keys else None,
            oauth=_oauth(settings),
            max_requests=settings.max_requests,
            max_request_bytes=settings.max_request_bytes,
        )

    @property
    def asks_for_tokens(self) -> bool:
        """Whether nobody gets in without one."""
        return not (self._token is None and self._keys is None and self._oauth is None)

    @property
    def metadata_path(self) -> str | None:
        """Where this server says whose tokens it takes (RFC 9728); None without an issuer."""
        return None if self._oauth is None else urlparse(self._metadata_url(self._oauth[0])).path

    def metadata_routes(self) -> list[Any]:
        """Return the routes of that document."""
        if self._oauth is None:
            return []
        from mcp.server.auth.routes import create_protected_resource_routes
        from pydantic import AnyHttpUrl

        rules = self._oauth[0]
        return create_protected_resource_routes(
            AnyHttpUrl(rules.resource), [AnyHttpUrl(rules.issuer)], list(rules.scopes) or None, "SingSynth"
        )

    async def find(self, header: str | None) -> Caller | Refusal:
        """Return who calls, or why they are not let in."""
        if not self.asks_for_tokens:
            return Caller()
        scheme, _, token = (header or "").partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            return self._unauthorized("A bearer token is needed: Authorization: Bearer <token>", known=False)
        if self._token is not None and hmac.compare_digest(token.encode(errors="surrogateescape"), self._token):
            return Caller(OPERATOR, is_proxy=True)
        caller = self._keys.caller(token) if self._keys is not None else None
        if caller is None and self._oauth is not None:
            return await self._find_by_issuer(token)
        return caller or self._unauthorized("The token is wrong, has expired, or was taken back")

    async def _find_by_issuer(self, token: str) -> Caller | Refusal:
        from singsynth_mcp.serving.access.oauth import IssuerUnavailable, caller_with

        assert self._oauth is not None
        rules, verifier = self._oauth
        try:
            good = await verifier.verify_token(token)
        except IssuerUnavailable:
            return Refusal(503, "temporarily_unavailable", "The issuer of the token does not answer", retry_seconds=5)
        if good is None or (good.expires_at is not None and good.expires_at < time.time() - 30):
            return self._unauthorized("The token is wrong, has expired, or is not for this server")
        lacking = [scope for scope in rules.scopes if scope not in good.scopes]
        if lacking:
            words = f"The token lacks the scope {' '.join(lacking)}"
            challenge = self._challenge("insufficient_scope", words, scope=" ".join(rules.scopes))
            return Refusal(403, "insufficient_scope", words, challenge)
        caller = caller_with(good, rules, self._keys.limits if self._keys is not None else Limits())
        return caller or self._unauthorized(f"The token has no claim {rules.tenant_claim}")

    def _unauthorized(self, words: str, *, known: bool = True) -> Refusal:
        """Return the refusal; a request without a token is told where to get one, not that it is wrong."""
        challenge = self._challenge("invalid_token", words) if known else self._challenge("", "")
        return Refusal(401, "invalid_token", words, challenge)

    def _challenge(self, error: str, words: str, **more: str) -> str:
        facts = ({"error": error, "error_description": words} if error else {}) | more
        if self._oauth is not None:
            facts["resource_metadata"] = self._metadata_url(self._oauth[0])
            if self._oauth[0].scopes:
                facts["scope"] = " ".join(self._oauth[0].scopes)
        return ("Bearer " + ", ".join(f'{name}="{value}"' for name, value in facts.items())).strip()

    @staticmethod
    def _metadata_url(rules: OAuthRules) -> str:
        from mcp.server.auth.routes import build_resource_metadata_url
        from pydantic import AnyHttpUrl

        return str(build_resource_metadata_url(AnyHttpUrl(rules.resource)))


def _oauth(settings: Settings) -> tuple[OAuthRules, TokenVerifier] | None:
    if settings.oauth_issuer is None:
        return None
    if settings.oauth_resource is None:
        hint = (
            "Set SINGSYNTH_OAUTH_RESOURCE to the URL by which clients call this server, e.g. https://sing.example/mcp."
        )
        raise InvalidRequest("SINGSYNTH_OAUTH_ISSUER is set without the resource that tokens are for", hint=hint)
    import httpx2

    from singsynth_mcp.serving.access import oauth

    rules = oauth.OAuthRules(
        settings.oauth_issuer, settings.oauth_resource, settings.oauth_scopes, settings.oauth_tenant_claim
    )
    http = httpx2.AsyncClient(timeout=10.0)
    if settings.oauth_introspection_url is None:
        return rules, oauth.JwtVerifier(rules, http, settings.oauth_jwks_url or "")
    if settings.oauth_client_secret is None:
        hint = "Set SINGSYNTH_OAUTH_CLIENT_ID and SINGSYNTH_OAUTH_CLIENT_SECRET to this server's own at the issuer."
        raise InvalidRequest("introspection needs this server's own credentials", hint=hint)
    credentials = (settings.oauth_client_id, settings.oauth_client_secret.get_secret_value())
    return rules, oauth.IntrospectionVerifier(rules, http, settings.oauth_introspection_url, credentials)
