"""OAuth 2.1 resource server: access tokens that another server issued, checked by its keys or by asking it.

The SDK's TokenVerifier, twice: signed tokens (JWT, RFC 9068) by the issuer's key set, opaque ones by introspection
(RFC 7662). Both take a token only from this issuer, for this resource, and with every scope that is asked for.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio
from mcp.server.auth.provider import AccessToken, TokenVerifier

from singsynth_mcp.serving.access.callers import Caller, Limits
from singsynth_mcp.serving.access.keys import hash_of

if TYPE_CHECKING:
    import httpx2

logger = logging.getLogger(__name__)
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Of public keys alone: with a shared secret whoever can check a token could also make one."""
_LEEWAY_SECONDS = 30
_KEYS_KEPT_SECONDS = 600.0
_KEYS_PAUSE_SECONDS = 30.0
"""A token with a key that nobody knows does not make us ask the issuer more often."""
_ANSWERS_KEPT_SECONDS = 30.0
"""How long an introspection is believed: a token that is revoked works for so long."""
_ANSWERS_KEPT = 4096
_ASKED_AT_ONCE = 16
"""Questions to the issuer: made-up tokens must not become a flood there."""


@dataclass(frozen=True)
class OAuthRules:
    """Which tokens are good."""

    issuer: str
    resource: str
    """The URL by which clients call this server: the audience of its tokens (RFC 8707)."""
    scopes: tuple[str, ...] = ()
    tenant_claim: str = "sub"
    """Whoever has an equal value of this claim is one tenant."""


class IssuerUnavailable(Exception):
    """The issuer did not answer: nobody can say whether a token is good."""


class JwtVerifier(TokenVerifier):
    """Checks signed tokens by the issuer's key set, which is fetched once in a while."""

    def __init__(
        self,
        rules: OAuthRules,
        http: httpx2.AsyncClient,
        jwks_url: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`jwks_url`: the issuer's metadata says it where it is left out."""
        self._rules = rules
        self._http = http
        self._jwks_url = jwks_url
        self._clock = clock
        self._keys: Any = None
        self._fetched = float("-inf")
        self._fetching = anyio.Lock()

    async def verify_token(self, token: str) -> AccessToken | None:
        """Return what a good token says, None for any other. Raises IssuerUnavailable."""
        import jwt

        try:
            header = jwt.get_unverified_header(token)
            key = await self._key(header.get("kid"))
            if key is None or header.get("alg") not in _ALGORITHMS:
                return None
            claims = jwt.decode(
                token,
                key,
                algorithms=[header["alg"]],
                audience=self._rules.resource,
                issuer=self._rules.issuer,
                leeway=_LEEWAY_SECONDS,
                options={"require": ["exp", "iss", "aud"]},
            )
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            logger.info("a token was refused: %s", type(error).__name__)
            return None
        return access_token(claims, self._rules.resource)

    async def _key(self, kid: str | None) -> Any:
        async with self._fetching:
            age = self._clock() - self._fetched
            known = self._keys is not None and any(key.key_id == kid for key in self._keys.keys)
            if age > (_KEYS_KEPT_SECONDS if known else _KEYS_PAUSE_SECONDS):
                await self._fetch()
        if self._keys is None:
            raise IssuerUnavailable
        return next((key for key in self._keys.keys if key.key_id == kid), None)

    async def _fetch(self) -> None:
        """Fetch the keys; those known stay where the issuer does not answer."""
        import httpx2
        import jwt

        self._fetched = self._clock()
        try:
            url = self._jwks_url or await self._find_keys()
            self._keys = jwt.PyJWKSet.from_dict(await _json(self._http, url))
        except (httpx2.HTTPError, jwt.PyJWTError, ValueError, KeyError, TypeError) as error:
            logger.error("the keys of %s cannot be fetched: %s", self._rules.issuer, type(error).__name__)

    async def _find_keys(self) -> str:
        """Return where the issuer's metadata (RFC 8414, else OpenID Connect) says that its keys are."""
        import httpx2

        base = httpx2.URL(self._rules.issuer)
        path = base.path.rstrip("/")
        try:
            facts = await _json(self._http, str(base.copy_with(path=f"/.well-known/oauth-authorization-server{path}")))
        except (httpx2.HTTPError, ValueError):
            facts = await _json(self._http, f"{self._rules.issuer.rstrip('/')}/.well-known/openid-configuration")
        if facts["issuer"] != self._rules.issuer:
            raise ValueError("the metadata is of another issuer")
        return str(facts["jwks_uri"])


class IntrospectionVerifier(TokenVerifier):
    """Asks the issuer about each token, and believes the answer for half a minute."""

    def __init__(
        self,
        rules: OAuthRules,
        http: httpx2.AsyncClient,
        url: str,
        credentials: tuple[str, str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`credentials` are this server's own id and secret at the issuer."""
        self._rules = rules
        self._http = http
        self._url = url
        self._credentials = credentials
        self._clock = clock
        self._asking = anyio.Semaphore(_ASKED_AT_ONCE)
        self._answers: OrderedDict[str, tuple[float, AccessToken | None]] = OrderedDict()

    async def verify_token(self, token: str) -> AccessToken | None:
        """Return what a good token says, None for any other. Raises IssuerUnavailable."""
        name = hash_of(token)
        known = self._answers.get(name)
        if known is not None and self._clock() - known[0] < _ANSWERS_KEPT_SECONDS:
            return known[1]
        answer = self._judge(await self._ask(token))
        self._answers.pop(name, None)
        self._answers[name] = (self._clock(), answer)
        if len(self._answers) > _ANSWERS_KEPT:
            self._answers.popitem(last=False)
        return answer

    async def _ask(self, token: str) -> Mapping[str, Any]:
        import httpx2

        question = {"token": token, "token_type_hint": "access_token"}
        try:
            async with self._asking:
                response = await self._http.post(self._url, data=question, auth=self._credentials)
            response.raise_for_status()
            facts = response.json()
        except (httpx2.HTTPError, ValueError) as error:
            logger.error("%s cannot be asked about a token: %s", self._rules.issuer, type(error).__name__)
            raise IssuerUnavailable from None
        return facts if isinstance(facts, dict) else {}

    def _judge(self, facts: Mapping[str, Any]) -> AccessToken | None:
        audience = facts.get("aud")
        named = audience if isinstance(audience, list) else [audience]
        if facts.get("active") is not True or self._rules.resource not in named:
            return None
        if facts.get("iss", self._rules.issuer) != self._rules.issuer:
            return None
        return access_token({**facts, "iss": self._rules.issuer}, self._rules.resource)


def access_token(claims: Mapping[str, Any], resource: str) -> AccessToken:
    """Return a token's claims in the SDK's form; the token itself is not kept."""
    scopes = claims.get("scope", claims.get("scp", ""))
    subject = claims.get("sub")
    return AccessToken(
        token="",
        client_id=str(claims.get("client_id") or claims.get("azp") or subject or ""),
        scopes=[str(each) for each in (scopes if isinstance(scopes, list) else str(scopes).split())],
        expires_at=int(claims["exp"]) if isinstance(claims.get("exp"), int | float) else None,
        resource=resource,
        subject=None if subject is None else str(subject),
        claims=dict(claims),
    )


def caller_with(token: AccessToken, rules: OAuthRules, limits: Limits) -> Caller | None:
    """Return who has a token, None where it does not say which tenant that is.

    Names are hashes of the issuer and the claim: nobody can choose a subject that is another tenant's name.
    """
    claims = token.claims or {}
    who, tenant = claims.get("sub") or token.client_id, claims.get(rules.tenant_claim)
    if not isinstance(tenant, str) or not tenant:
        return None
    return Caller(_hashed(rules.issuer, str(who)), _hashed(rules.issuer, tenant), limits=limits)


def _hashed(issuer: str, value: str) -> str:
    return f"oauth-{hashlib.sha256(chr(0).join((issuer, value)).encode()).hexdigest()[:24]}"


async def _json(http: httpx2.AsyncClient, url: str) -> Any:
    response = await http.get(url)
    response.raise_for_status()
    return response.json()
