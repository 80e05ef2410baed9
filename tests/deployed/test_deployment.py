"""Effects of a deployment beyond its templates: published configuration, and layers of every function."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import WaiterError

from cli.environment_status import environment_status
from rehearsal.emulator import ACCOUNT, Emulator
from stacks.assets.release import read_releases
from tools.templates import ROOT
from vectora_ops.account import Account
from vectora_ops.names import DELIVERY_TASK, FUNCTION_TASKS, OPERATIONS_TASKS, STACK_LAYERS, Names
from vectora_shared.config.content import FolderContent
from vectora_shared.config.loading import load_client

RUNTIME_STACK = "vectora-inbox-s1-runtime-dev"
CONFIG_BUCKET = "vectora-inbox-config-dev"
CLIENT_KEY = "clients/lai_weekly.yaml"
Deployed = tuple[Emulator, Callable[..., str]]


def _client_file(emulator: Emulator) -> bytes:
    body: bytes = emulator.session().client("s3").get_object(Bucket=CONFIG_BUCKET, Key=CLIENT_KEY)["Body"].read()
    return body


def test_the_configuration_of_the_release_is_published(deployed: Deployed) -> None:
    assert _client_file(deployed[0]) == (ROOT / "config" / CLIENT_KEY).read_bytes()


def test_status_shows_the_deployed_release(deployed: Deployed, assembly: Path) -> None:
    emulator = deployed[0]
    account = Account(account_id=ACCOUNT, region=emulator.region, session=emulator.session())
    status = environment_status(account, Names(project="vectora-inbox", env="dev"))
    assert status.release_digest == read_releases(assembly).digests["dev"]
    assert [stack.status.rpartition("_")[2] for stack in status.stacks] == ["COMPLETE"] * len(STACK_LAYERS)
    assert {function.name for function in status.functions} == {
        f"vectora-inbox-{task}-dev" for task in (*FUNCTION_TASKS, *OPERATIONS_TASKS) if task != DELIVERY_TASK
    }
    assert [(client.client_id, client.version, client.note) for client in status.clients] == [
        ("canary", _version("canary"), None),
        ("lai_weekly", _version("lai_weekly"), None),
    ]


def test_status_reports_a_file_edited_in_the_bucket(deployed: Deployed) -> None:
    emulator = deployed[0]
    s3 = emulator.session().client("s3")
    published = _client_file(emulator)
    s3.put_object(Bucket=CONFIG_BUCKET, Key=CLIENT_KEY, Body=published + b"# edited\n")
    s3.put_object(Bucket=CONFIG_BUCKET, Key="clients/old.yaml", Body=b"client_profile: {}")
    try:
        account = Account(account_id=ACCOUNT, region=emulator.region, session=emulator.session())
        clients = environment_status(account, Names(project="vectora-inbox", env="dev")).clients
    finally:
        s3.put_object(Bucket=CONFIG_BUCKET, Key=CLIENT_KEY, Body=published)
        s3.delete_object(Bucket=CONFIG_BUCKET, Key="clients/old.yaml")
    assert {client.client_id: (client.version, client.note) for client in clients} == {
        "canary": (_version("canary"), None),
        "lai_weekly": (_version("lai_weekly"), "edited in the bucket since it was published"),
        "old": ("invalid", "not from a release"),
    }


def test_status_reports_an_environment_that_is_not_deployed(deployed: Deployed) -> None:
    emulator = deployed[0]
    account = Account(account_id=ACCOUNT, region=emulator.region, session=emulator.session())
    status = environment_status(account, Names(project="vectora-inbox", env="prod"))
    assert not status.deployed
    assert (status.functions, status.clients, status.release_digest) == ((), (), None)


def _update(emulator: Emulator, change: Callable[[dict[str, Any]], None]) -> None:
    cloudformation = emulator.session().client("cloudformation")
    body = cloudformation.get_template(StackName=RUNTIME_STACK)["TemplateBody"]
    template = json.loads(body) if isinstance(body, str) else json.loads(json.dumps(body))
    change(template)
    cloudformation.update_stack(
        StackName=RUNTIME_STACK,
        TemplateBody=json.dumps(template),
        Parameters=[{"ParameterKey": key, "UsePreviousValue": True} for key in template["Parameters"]],
        Capabilities=["CAPABILITY_IAM"],
    )
    cloudformation.get_waiter("stack_update_complete").wait(
        StackName=RUNTIME_STACK, WaiterConfig={"Delay": 1, "MaxAttempts": 600}
    )


def _version(client_id: str) -> str:
    return load_client(FolderContent(ROOT / "config"), client_id).client_profile.version


def _upload(emulator: Emulator, asset: str, client_file: bytes) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        content = FolderContent(ROOT / "config")
        for key in (*content.keys("canonical/"), *content.keys("clients/")):
            archive.writestr(key, client_file if key == CLIENT_KEY else content.read(key))
    bucket = f"cdk-hnb659fds-assets-{ACCOUNT}-{emulator.region}"
    emulator.session().client("s3").put_object(Bucket=bucket, Key=asset, Body=stream.getvalue())


def _state(emulator: Emulator) -> str:
    stack = emulator.session().client("cloudformation").describe_stacks(StackName=RUNTIME_STACK)["Stacks"][0]
    return str(stack["StackStatus"])


def test_a_failing_deployment_restores_the_old_configuration(deployed: Deployed) -> None:
    emulator = deployed[0]
    published = _client_file(emulator)
    new = published.replace(_version("lai_weekly").encode("ascii"), b"99.0.0")
    _upload(emulator, "new.zip", new)
    seen: list[bytes] = []

    def new_content_then_a_failure(template: dict[str, Any]) -> None:
        resources = template["Resources"]
        resources["PublishedConfiguration"]["Properties"] |= {"ContentKey": "new.zip", "ContentDigest": "new"}
        properties = {**resources["PublishedConfiguration"]["Properties"], "ContentKey": "missing.zip"}
        resources["Failing"] = {
            "Type": "Custom::PublishedConfiguration",
            "DependsOn": "PublishedConfiguration",
            "Properties": properties,
        }

    with pytest.raises(WaiterError):
        _update(emulator, new_content_then_a_failure)
    versions = emulator.session().client("s3").list_object_versions(Bucket=CONFIG_BUCKET, Prefix=CLIENT_KEY)["Versions"]
    for version in versions:
        body = (
            emulator.session()
            .client("s3")
            .get_object(Bucket=CONFIG_BUCKET, Key=CLIENT_KEY, VersionId=version["VersionId"])
        )
        seen.append(body["Body"].read())
    assert new in seen, "the new content was never published: the test proves nothing"
    assert _state(emulator) == "UPDATE_ROLLBACK_COMPLETE"
    assert _client_file(emulator) == published


def test_invalid_configuration_fails_the_deployment_with_its_own_sentence(deployed: Deployed) -> None:
    emulator = deployed[0]
    published = _client_file(emulator)
    _upload(emulator, "invalid.zip", published.replace(b"  version:", b"  versoin:", 1))

    def invalid_content(template: dict[str, Any]) -> None:
        change = {"ContentKey": "invalid.zip", "ContentDigest": "invalid"}
        template["Resources"]["PublishedConfiguration"]["Properties"] |= change

    with pytest.raises(WaiterError):
        _update(emulator, invalid_content)
    events = emulator.session().client("cloudformation").describe_stack_events(StackName=RUNTIME_STACK)["StackEvents"]
    reasons = " ".join(event.get("ResourceStatusReason", "") for event in events)
    assert "client_profile.versoin' is unknown" in reasons
    assert _client_file(emulator) == published


def test_a_new_layer_version_reaches_the_function_in_the_other_stack(deployed: Deployed) -> None:
    emulator, cdk = deployed
    session = emulator.session()
    ssm, functions = session.client("ssm"), session.client("lambda")
    parameter = "/vectora-inbox/dev/layers/vectora-core"
    before = ssm.get_parameter(Name=parameter)["Parameter"]["Value"]
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("python/vectora_core/__init__.py", "")
    after = functions.publish_layer_version(
        LayerName="vectora-inbox-vectora-core-dev", Content={"ZipFile": stream.getvalue()}
    )["LayerVersionArn"]
    ssm.put_parameter(Name=parameter, Value=after, Type="String", Overwrite=True)
    try:
        cdk("deploy", "vectora-inbox-s1-ingest-v2-dev", "--exclusively")
        layers = functions.get_function_configuration(FunctionName="vectora-inbox-ingest-v2-dev")["Layers"]
        assert next(layer["Arn"] for layer in layers) == after
    finally:
        ssm.put_parameter(Name=parameter, Value=before, Type="String", Overwrite=True)
        cdk("deploy", "vectora-inbox-s1-ingest-v2-dev", "--exclusively")
    layers = functions.get_function_configuration(FunctionName="vectora-inbox-ingest-v2-dev")["Layers"]
    assert next(layer["Arn"] for layer in layers) == before


def test_a_diff_after_a_deployment_is_empty(deployed: tuple[Emulator, Any]) -> None:
    assert "Number of stacks with differences: 0" in deployed[1]("diff")


def test_a_second_deployment_changes_nothing(deployed: Deployed) -> None:
    emulator, cdk = deployed
    cloudformation = emulator.session().client("cloudformation")

    def updated() -> list[Any]:
        stacks = cloudformation.describe_stacks()["Stacks"]
        return [(stack["StackName"], stack.get("LastUpdatedTime")) for stack in stacks]

    cdk("deploy")
    before = updated()
    printed = cdk("deploy")
    assert updated() == before
    assert printed.count("(no changes)") == len(STACK_LAYERS)
