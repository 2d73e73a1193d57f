"""The suite's tools that ask the client something: pushed in the handshake era, as a required input in the newer."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from typing import Any

import mcp_types as types
from mcp.shared.exceptions import MCPError
from mcp.shared.message import ServerMessageMetadata
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from tests.conformance.fixture_tools import Answer, Handler, said, text

_KEY = secrets.token_bytes(32)
_RESULTS: dict[type[Any], type[Any]] = {
    types.CreateMessageRequest: types.CreateMessageResult,
    types.ElicitRequest: types.ElicitResult,
    types.ListRootsRequest: types.ListRootsResult,
}


class InputNeeded(Exception):
    """Carries what must be asked before the work can go on."""

    def __init__(self, requests: Mapping[str, Any], state: str | None = None) -> None:
        self.result = types.InputRequiredResult(input_requests=dict(requests), request_state=state)


def form(message: str, **properties: Any) -> types.ElicitRequest:
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return types.ElicitRequest(params=types.ElicitRequestFormParams(message=message, requested_schema=schema))


def sample(prompt: str, max_tokens: int = 100) -> types.CreateMessageRequest:
    messages = [types.SamplingMessage(role="user", content=text(prompt))]
    return types.CreateMessageRequest(params=types.CreateMessageRequestParams(messages=messages, max_tokens=max_tokens))


async def ask(ctx: Any, params: Any, key: str, request: Any) -> Any:
    """Return the client's answer. Raises InputNeeded in the era where it comes with the next request."""
    if ctx.protocol_version not in MODERN_PROTOCOL_VERSIONS:
        metadata = ServerMessageMetadata(related_request_id=ctx.request_id)
        return await ctx.session.send_request(request, _RESULTS[type(request)], metadata=metadata)
    answers = params.input_responses or {}
    if key not in answers:
        raise InputNeeded({key: request})
    return answers[key]


def asking(handler: Any) -> Handler:
    """Turn InputNeeded into the result that says so."""

    async def handle(ctx: Any, params: Any) -> Answer:
        try:
            return await handler(ctx, params)
        except InputNeeded as needed:
            return needed.result

    return handle


def signed(facts: Any) -> str:
    """Return state that the client carries and cannot change."""
    data = json.dumps(facts)
    return f"{_signature(data)}.{data}"


def checked(state: str | None) -> Any:
    """Return what `signed` was given. Raises MCPError when the state is another."""
    signature, _, data = (state or "").partition(".")
    if not hmac.compare_digest(signature, _signature(data)):
        raise MCPError(types.INVALID_PARAMS, "the request state is not ours")
    return json.loads(data)


def _signature(data: str) -> str:
    return hmac.new(_KEY, data.encode(), hashlib.sha256).hexdigest()


async def samples(ctx: Any, params: Any) -> Answer:
    answer = await ask(ctx, params, "completion", sample(params.arguments["prompt"]))
    return said(text(f"LLM response: {answer.content.text}"))


def elicits(says: str, **properties: Any) -> Handler:
    async def handle(ctx: Any, params: Any) -> Answer:
        message = (params.arguments or {}).get("message", "Please answer")
        answer = await ask(ctx, params, "answer", form(message, **properties))
        return said(text(f"{says}: action={answer.action}, content={json.dumps(answer.content or {})}"))

    return asking(handle)


async def greets(ctx: Any, params: Any) -> Answer:
    answer = await ask(ctx, params, "user_name", form("What is your name?", name={"type": "string"}))
    name = (answer.content or {}).get("name") if answer.action == "accept" else None
    if not isinstance(name, str):
        raise InputNeeded({"user_name": form("What is your name?", name={"type": "string"})})
    return said(text(f"Hello, {name}!"))


async def asks_capital(ctx: Any, params: Any) -> Answer:
    answer = await ask(ctx, params, "capital_question", sample("What is the capital of France?"))
    return said(text(answer.content.text))


async def asks_roots(ctx: Any, params: Any) -> Answer:
    answer = await ask(ctx, params, "client_roots", types.ListRootsRequest())
    return said(text(f"Roots: {[str(root.uri) for root in answer.roots]}"))


async def confirms(ctx: Any, params: Any) -> Answer:
    if not params.input_responses:
        raise InputNeeded({"confirm": form("Please confirm", ok={"type": "boolean"})}, signed("confirm"))
    checked(params.request_state)
    return said(text("state-ok"))


async def asks_much(ctx: Any, params: Any) -> Answer:
    requests = {
        "user_name": form("What is your name?", name={"type": "string"}),
        "greeting": sample("Generate a greeting", 50),
        "client_roots": types.ListRootsRequest(),
    }
    if not set(requests) <= set(params.input_responses or {}):
        raise InputNeeded(requests, signed("much"))
    checked(params.request_state)
    return said(text("All is answered."))


async def asks_twice(ctx: Any, params: Any) -> Answer:
    answers = params.input_responses or {}
    if "step2" in answers:
        return said(text(f"{checked(params.request_state)['name']} it is."))
    if "step1" in answers:
        checked(params.request_state)
        color = form("Step 2: What is your favorite color?", color={"type": "string"})
        raise InputNeeded({"step2": color}, signed({"name": (answers["step1"].content or {}).get("name")}))
    raise InputNeeded({"step1": form("Step 1: What is your name?", name={"type": "string"})}, signed("step 1"))


async def asks_what_it_may(ctx: Any, params: Any) -> Answer:
    capabilities = ctx.session.client_capabilities or types.ClientCapabilities()
    requests: dict[str, Any] = {}
    if capabilities.sampling is not None:
        requests["greeting"] = sample("Generate a greeting")
    if capabilities.elicitation is not None:
        requests["user_name"] = form("What is your name?", name={"type": "string"})
    if requests and not params.input_responses:
        raise InputNeeded(requests)
    return said(text("Nothing more to ask."))


async def needs_sampling(ctx: Any, params: Any) -> Answer:
    capabilities = ctx.session.client_capabilities or types.ClientCapabilities()
    if capabilities.sampling is None:
        needed = {"requiredCapabilities": {"sampling": {}}}
        raise MCPError(types.MISSING_REQUIRED_CLIENT_CAPABILITY, "this tool needs sampling", needed)
    return said(text("The client can sample."))


def options(*values: str) -> list[dict[str, str]]:
    return [{"const": value, "title": value.title()} for value in values]


HANDLERS: Mapping[str, Handler] = {
    "test_sampling": asking(samples),
    "test_elicitation": elicits("User response", response={"type": "string", "description": "User's response"}),
    "test_elicitation_sep1034_defaults": elicits(
        "Elicitation completed",
        name={"type": "string", "default": "John Doe"},
        age={"type": "integer", "default": 30},
        score={"type": "number", "default": 95.5},
        status={"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
        verified={"type": "boolean", "default": True},
    ),
    "test_elicitation_sep1330_enums": elicits(
        "Elicitation completed",
        untitledSingle={"type": "string", "enum": ["option1", "option2", "option3"]},
        titledSingle={"type": "string", "oneOf": options("value1", "value2", "value3")},
        legacyEnum={"type": "string", "enum": ["opt1", "opt2"], "enumNames": ["Option One", "Option Two"]},
        untitledMulti={"type": "array", "items": {"type": "string", "enum": ["option1", "option2", "option3"]}},
        titledMulti={"type": "array", "items": {"anyOf": options("value1", "value2", "value3")}},
    ),
    "test_streaming_elicitation": asking(greets),
    "test_missing_capability": needs_sampling,
    "test_input_required_result_elicitation": asking(greets),
    "test_input_required_result_sampling": asking(asks_capital),
    "test_input_required_result_list_roots": asking(asks_roots),
    "test_input_required_result_request_state": asking(confirms),
    "test_input_required_result_tampered_state": asking(confirms),
    "test_input_required_result_multiple_inputs": asking(asks_much),
    "test_input_required_result_multi_round": asking(asks_twice),
    "test_input_required_result_capabilities": asking(asks_what_it_may),
}
SCHEMAS: Mapping[str, dict[str, Any]] = {
    "test_sampling": {"type": "object", "properties": {"prompt": {"type": "string"}}, "required": ["prompt"]},
    "test_elicitation": {"type": "object", "properties": {"message": {"type": "string"}}, "required": ["message"]},
}
