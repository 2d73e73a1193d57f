from __future__ import annotations

import json
import time

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from singsynth_mcp.errors import InvalidRequest
from singsynth_mcp.serving.access.access import Access
from singsynth_mcp.serving.access.oauth import IntrospectionVerifier, JwtVerifier, OAuthRules
from singsynth_mcp.settings import Settings
from tests.serving.http_clients import headers, message, served
from tests.serving.made_server import made_server

ISSUER, RESOURCE = "https://login.example/realm", "https://sing.example/mcp"
RULES = OAuthRules(ISSUER, RESOURCE, ("sing",))


class Issuer:
    """An authorization server: its metadata, its keys, and what it says of tokens."""

    def __init__(self):
        self.keys = {"one": ec.generate_private_key(ec.SECP256R1())}
        self.asked = []
        self.answers = {}
        self.away = False
        self.http = httpx2.AsyncClient(transport=httpx2.MockTransport(self._answer))

    def token(self, kid="one", key=None, algorithm="ES256", **claims):
        facts = {"iss": ISSUER, "aud": RESOURCE, "sub": "ann", "scope": "sing", "exp": time.time() + 600, **claims}
        facts = {name: value for name, value in facts.items() if value is not None}
        return jwt.encode(facts, key or self.keys[kid], algorithm, headers={"kid": kid})

    def _answer(self, request):
        self.asked.append(request.url.path)
        if self.away:
            return httpx2.Response(500)
        if request.url.path == "/.well-known/oauth-authorization-server/realm":
            return httpx2.Response(200, json={"issuer": ISSUER, "jwks_uri": f"{ISSUER}/keys"})
        if request.url.path == "/realm/keys":
            return httpx2.Response(200, json={"keys": [self._public(kid) for kid in self.keys]})
        if request.url.path == "/realm/introspect":
            assert request.headers["authorization"].startswith("Basic ")
            token = request.content.decode().partition("token=")[2].partition("&")[0]
            return httpx2.Response(200, json=self.answers.get(token, {"active": False}))
        return httpx2.Response(404)

    def _public(self, kid):
        facts = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(self.keys[kid].public_key()))
        return facts | {"kid": kid, "alg": "ES256", "use": "sig"}


@pytest.fixture
def issuer():
    return Issuer()


def by_keys(issuer, clock=time.monotonic):
    return Access(oauth=(RULES, JwtVerifier(RULES, issuer.http, clock=clock)))


def by_asking(issuer, clock=time.monotonic):
    verifier = IntrospectionVerifier(RULES, issuer.http, f"{ISSUER}/introspect", ("singsynth", "pw"), clock)
    return Access(oauth=(RULES, verifier))


async def test_a_good_token_is_its_subjects_and_no_tenant_can_be_chosen_by_name(issuer):
    access = by_keys(issuer)
    ann, again, bob = [await access.find(f"Bearer {issuer.token(sub=sub)}") for sub in ("ann", "ann", "local")]
    assert ann.tenant == again.tenant
    assert ann.tenant != bob.tenant
    assert bob.tenant.startswith("oauth-")
    assert not ann.is_proxy
    assert issuer.asked == ["/.well-known/oauth-authorization-server/realm", "/realm/keys"]


async def test_tenants_go_by_the_claim_that_the_operator_names(issuer):
    rules = OAuthRules(ISSUER, RESOURCE, (), "org")
    access = Access(oauth=(rules, JwtVerifier(rules, issuer.http)))
    ann, bob = [await access.find(f"Bearer {issuer.token(sub=sub, org='acme')}") for sub in ("ann", "bob")]
    assert ann.tenant == bob.tenant
    assert ann.name != bob.name
    assert (await access.find(f"Bearer {issuer.token()}")).status == 401


BAD = {
    "expired": {"exp": time.time() - 3600},
    "never expires": {"exp": None},
    "for another server": {"aud": "https://other.example/mcp"},
    "for nobody": {"aud": None},
    "of another issuer": {"iss": "https://evil.example"},
    "not yet good": {"nbf": time.time() + 3600},
}


@pytest.mark.parametrize("what", BAD)
async def test_a_token_that_is_not_good_is_refused(issuer, what):
    refused = await by_keys(issuer).find(f"Bearer {issuer.token(**BAD[what])}")
    assert (refused.status, refused.error) == (401, "invalid_token")
    metadata = "https://sing.example/.well-known/oauth-protected-resource/mcp"
    assert f'resource_metadata="{metadata}"' in refused.challenge
    assert 'error="invalid_token"' in refused.challenge


async def test_a_token_signed_by_somebody_else_or_by_nobody_is_refused(issuer):
    access, other = by_keys(issuer), ec.generate_private_key(ec.SECP256R1())
    public = issuer.keys["one"].public_key()
    secret = public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    unsigned = jwt.encode({"iss": ISSUER, "aud": RESOURCE, "sub": "ann"}, None, "none", headers={"kid": "one"})
    for token in (
        issuer.token(key=other),
        issuer.token(key=secret, algorithm="HS256"),
        unsigned,
        "not.a.token",
        "nothing",
    ):
        assert (await access.find(f"Bearer {token}")).status == 401


async def test_a_token_without_the_scope_is_forbidden(issuer):
    refused = await by_keys(issuer).find(f"Bearer {issuer.token(scope='dance')}")
    assert (refused.status, refused.error) == (403, "insufficient_scope")
    assert 'scope="sing"' in refused.challenge


async def test_a_new_key_of_the_issuer_is_fetched_but_not_for_every_token_that_names_one(issuer):
    now = [0.0]
    access = by_keys(issuer, lambda: now[0])
    await access.find(f"Bearer {issuer.token()}")
    issuer.keys["two"] = ec.generate_private_key(ec.SECP256R1())
    for _ in range(5):
        assert (await access.find(f"Bearer {issuer.token('two')}")).status == 401
    assert issuer.asked.count("/realm/keys") == 1
    now[0] = 31.0
    assert (await access.find(f"Bearer {issuer.token('two')}")).tenant.startswith("oauth-")
    assert issuer.asked.count("/realm/keys") == 2


async def test_an_issuer_that_is_away_is_no_refusal_and_known_keys_go_on(issuer):
    now = [0.0]
    issuer.away = True
    access = by_keys(issuer, lambda: now[0])
    assert (await access.find(f"Bearer {issuer.token()}")).status == 503
    issuer.away = False
    now[0] = 31.0
    assert (await access.find(f"Bearer {issuer.token()}")).tenant
    issuer.away = True
    now[0] = 1000.0
    assert (await access.find(f"Bearer {issuer.token()}")).tenant


async def test_opaque_tokens_are_asked_about_and_the_answer_is_believed_for_half_a_minute(issuer):
    now = [0.0]
    access = by_asking(issuer, lambda: now[0])
    issuer.answers["t1"] = {"active": True, "aud": [RESOURCE], "sub": "ann", "scope": "sing", "exp": 2**40}
    assert (await access.find("Bearer t1")).tenant == (await access.find("bearer t1")).tenant
    assert issuer.asked == ["/realm/introspect"]
    issuer.answers["t1"] = {"active": False}
    now[0] = 31.0
    assert (await access.find("Bearer t1")).status == 401


@pytest.mark.parametrize(
    "answer",
    [
        {"active": False},
        {"active": "true", "aud": RESOURCE, "sub": "ann", "scope": "sing"},
        {"active": True, "sub": "ann", "scope": "sing"},
        {"active": True, "aud": "https://other.example", "sub": "ann", "scope": "sing"},
        {"active": True, "aud": RESOURCE, "sub": "ann", "scope": "sing", "exp": 1},
        {"active": True, "aud": RESOURCE, "sub": "ann", "scope": "sing", "iss": "https://evil.example"},
        {"active": True, "aud": RESOURCE, "scope": "sing"},
        [],
    ],
)
async def test_an_opaque_token_that_is_not_good_is_refused(issuer, answer):
    issuer.answers["t1"] = answer
    assert (await by_asking(issuer).find("Bearer t1")).status == 401


async def test_an_issuer_that_cannot_be_asked_is_no_refusal(issuer):
    issuer.away = True
    assert (await by_asking(issuer).find("Bearer t1")).status == 503


async def test_a_client_learns_from_the_server_where_its_tokens_come_from(issuer):
    async with served(made_server(), access=by_keys(issuer)) as client:
        refused = await client.post("/mcp", json=message("tools/list"), headers=headers("tools/list"))
        document = await client.get("/.well-known/oauth-protected-resource/mcp")
        good = await client.post("/mcp", json=message("tools/list"), headers=headers("tools/list", issuer.token()))
    assert refused.status_code == 401
    assert "error=" not in refused.headers["www-authenticate"]
    assert "/.well-known/oauth-protected-resource/mcp" in refused.headers["www-authenticate"]
    facts = document.json()
    assert (facts["resource"], facts["authorization_servers"]) == (RESOURCE, [ISSUER])
    assert facts["scopes_supported"] == ["sing"]
    assert good.status_code == 200


def test_settings_that_do_not_say_enough_are_errors():
    with pytest.raises(InvalidRequest, match="SINGSYNTH_OAUTH_RESOURCE"):
        Access.from_settings(Settings(oauth_issuer=ISSUER))
    with pytest.raises(InvalidRequest, match="SINGSYNTH_OAUTH_CLIENT_SECRET"):
        Access.from_settings(
            Settings(oauth_issuer=ISSUER, oauth_resource=RESOURCE, oauth_introspection_url=f"{ISSUER}/introspect")
        )
    assert Access.from_settings(Settings(oauth_issuer=ISSUER, oauth_resource=RESOURCE)).asks_for_tokens
