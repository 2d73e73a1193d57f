"""The conformance suite's fixture server, made by our factory.

python -m tests.conformance.fixture_server http      direct, over streamable HTTP
python -m tests.conformance.fixture_server proxy     the same behind our proxy
python -m tests.conformance.fixture_server stdio     what the proxy starts
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from functools import partial
from typing import Any

import anyio
import mcp_types as types

from singsynth_mcp.errors import UnknownName
from singsynth_mcp.proxy.app import build_server
from singsynth_mcp.proxy.config import UpstreamSpec
from singsynth_mcp.serving.factory import Identity, SingSynthServer, create_server
from singsynth_mcp.serving.logs import log_to_stderr
from singsynth_mcp.serving.notices import Notices
from singsynth_mcp.serving.sources import ToolTable
from singsynth_mcp.serving.transports import run
from singsynth_mcp.settings import Settings
from tests.conformance import fixture_questions, fixture_tools
from tests.conformance.fixture_questions import InputNeeded, ask, form
from tests.conformance.fixture_tools import NO_ARGUMENTS, Handler, embedded, image, png, text


class FixtureTool:
    """One of the suite's tools."""

    def __init__(self, name: str, handler: Handler) -> None:
        schemas = {**fixture_tools.SCHEMAS, **fixture_questions.SCHEMAS}
        self.name = name
        self.call = handler
        self.definition = types.Tool(name=name, description=name, input_schema=schemas.get(name, NO_ARGUMENTS))


class FixtureResources:
    """The suite's resources."""

    async def list_resources(self) -> list[types.Resource]:
        uris = ("test://static-text", "test://static-binary", "test://watched-resource")
        return [types.Resource(name=uri.removeprefix("test://"), uri=uri) for uri in uris]

    async def list_templates(self) -> list[types.ResourceTemplate]:
        return [types.ResourceTemplate(name="template", uri_template="test://template/{id}/data")]

    async def read(self, ctx: Any, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
        uri = str(params.uri)
        if uri == "test://static-binary":
            contents = types.BlobResourceContents(uri=uri, mime_type="image/png", blob=png())
            return types.ReadResourceResult(contents=[contents])
        texts = {
            "test://static-text": "This is the content of the static text resource.",
            "test://watched-resource": "This is watched.",
        }
        if uri.startswith("test://template/"):
            texts[uri] = f'{{"id": "{uri.split("/")[3]}", "templateTest": true}}'
        if uri not in texts:
            raise UnknownName(f"there is no resource {uri}", uri=uri)
        contents = types.TextResourceContents(uri=uri, mime_type="text/plain", text=texts[uri])
        return types.ReadResourceResult(contents=[contents])

    async def follow(self, uri: str) -> None:
        pass


PROMPTS: Mapping[str, tuple[str, ...]] = {
    "test_simple_prompt": (),
    "test_prompt_with_arguments": ("arg1", "arg2"),
    "test_prompt_with_embedded_resource": ("resourceUri",),
    "test_prompt_with_image": (),
    "test_input_required_result_prompt": (),
}


class FixturePrompts:
    """The suite's prompts."""

    async def list_prompts(self) -> list[types.Prompt]:
        return [_prompt(name, arguments) for name, arguments in PROMPTS.items()]

    async def get_prompt(
        self, ctx: Any, params: types.GetPromptRequestParams
    ) -> types.GetPromptResult | types.InputRequiredResult:
        given = params.arguments or {}
        contents: list[Any]
        match params.name:
            case "test_simple_prompt":
                contents = [text("This is a simple prompt for testing.")]
            case "test_prompt_with_arguments":
                contents = [text(f"Prompt with arguments: arg1='{given['arg1']}', arg2='{given['arg2']}'")]
            case "test_prompt_with_embedded_resource":
                resource = embedded(given["resourceUri"], "text/plain", "Embedded resource content for testing.")
                contents = [resource, text("Please process the embedded resource above.")]
            case "test_prompt_with_image":
                contents = [image(), text("Please analyze the image above.")]
            case "test_input_required_result_prompt":
                try:
                    question = form("What context should the prompt use?", context={"type": "string"})
                    answer = await ask(ctx, params, "user_context", question)
                except InputNeeded as needed:
                    return needed.result
                contents = [text(f"The context is {answer.content}.")]
            case _:
                raise UnknownName(f"there is no prompt {params.name}")
        return types.GetPromptResult(messages=[types.PromptMessage(role="user", content=each) for each in contents])

    async def complete(self, ctx: Any, params: types.CompleteRequestParams) -> types.Completion:
        known = ("paris", "park", "party", "test")
        values = [value for value in known if value.startswith(params.argument.value)]
        return types.Completion(values=values, total=len(values), has_more=False)


def _prompt(name: str, arguments: tuple[str, ...]) -> types.Prompt:
    described = [types.PromptArgument(name=each, description=each, required=True) for each in arguments]
    return types.Prompt(name=name, description=name, arguments=described)


def fixture_server() -> SingSynthServer:
    """Return the fixture, made by our factory."""
    notices = Notices()
    handlers = {**fixture_tools.HANDLERS, **fixture_questions.HANDLERS, **fixture_tools.triggers(notices)}
    tools = [FixtureTool(name, handler) for name, handler in handlers.items()]
    resources, prompts = FixtureResources(), FixturePrompts()
    identity = Identity("conformance-fixture", "Conformance fixture")
    return create_server(identity, ToolTable(tools), resources=resources, prompts=prompts, notices=notices)


def main(way: str) -> None:
    """Serve until the process is told to stop."""
    log_to_stderr("INFO")
    if way == "stdio":
        anyio.run(partial(run, fixture_server(), "stdio"))
        return
    server = fixture_server()
    if way == "proxy":
        args = ("-m", "tests.conformance.fixture_server", "stdio")
        spec = UpstreamSpec(command=sys.executable, args=args, env=dict(os.environ))
        server = build_server(Settings(), {"fixture": spec})
    anyio.run(partial(run, server, "http", port=0))


if __name__ == "__main__":
    main(sys.argv[1])
