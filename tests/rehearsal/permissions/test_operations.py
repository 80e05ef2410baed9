"""Recorded requests are identified as the operations from which botocore made them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from botocore.model import OperationModel, Shape
from botocore.serialize import create_serializer

from rehearsal.permissions.operations import (
    ELSEWHERE,
    SERVICES,
    UnknownOperationError,
    operation_of,
    service_model,
)
from rehearsal.permissions.recorded import BODY_CHARACTERS, RecordedCall, is_recorded

Record = Callable[..., RecordedCall]
# The older of two names for one request; both need the same action.
RENAMED = {
    "GetBucketLifecycle": "GetBucketLifecycleConfiguration",
    "GetBucketNotification": "GetBucketNotificationConfiguration",
    "PutBucketLifecycle": "PutBucketLifecycleConfiguration",
    "PutBucketNotification": "PutBucketNotificationConfiguration",
}
# Labels of host names, which cannot have spaces or slashes.
HOST_LABELS = {"AccountId": "000000000000", "RequestRoute": "route"}


def _smallest(shape: Any, outer: tuple[str, ...] = ()) -> Any:
    """Return the smallest value of a shape that botocore serializes."""
    if shape.type_name == "structure":
        return {name: _smallest(shape.members[name], (*outer, shape.name)) for name in _required(shape)}
    if shape.type_name == "list":
        return [] if shape.name in outer else [_smallest(shape.member, (*outer, shape.name))]
    if shape.type_name == "map":
        return {"key": _smallest(shape.value, (*outer, shape.name))}
    if shape.type_name == "string":
        # With characters that a path must encode.
        return shape.enum[0] if shape.enum else HOST_LABELS.get(shape.name, "a/b c")
    return {"boolean": True, "blob": b"x", "timestamp": 0}.get(shape.type_name, 1)


def _required(shape: Any) -> list[str]:
    return [next(iter(shape.members))] if shape.is_tagged_union else list(shape.required_members)


def _requests(service: str, record: Record) -> Iterator[tuple[str, RecordedCall]]:
    model = service_model(service)
    for protocol in sorted({model.resolved_protocol, model.metadata["protocol"]}):
        for name in model.operation_names:
            yield name, _request(model.operation_model(name), protocol, record)


def _request(operation: OperationModel, protocol: str, record: Record) -> RecordedCall:
    shape: Shape | None = operation.input_shape
    made: Any = create_serializer(protocol, include_validation=False).serialize_to_request(
        _smallest(shape) if shape else {}, operation
    )
    path, _, query = made["url_path"].partition("?")
    body = made["body"]
    text = urlencode(body) if isinstance(body, dict) else body.decode("utf-8", "replace") if body else ""
    model = operation.service_model
    return record(
        model.signing_name,
        made["method"],
        path,
        host=f"{model.endpoint_prefix}.eu-west-3.amazonaws.com",
        query="&".join(filter(None, [query, urlencode(made["query_string"], doseq=True)])),
        headers={name: str(value) for name, value in made["headers"].items() if is_recorded(name)},
        body=text,
    )


@pytest.mark.parametrize("service", [name for names in SERVICES.values() for name in names])
def test_every_operation_is_identified(service: str, record: Record) -> None:
    wrong = {}
    for name, request in _requests(service, record):
        if (service, name) not in ELSEWHERE and (found := operation_of(request).name) != RENAMED.get(name, name):
            wrong[name] = found
    assert wrong == {}


def test_services_are_listed_by_their_signing_name() -> None:
    for signing_name, services in SERVICES.items():
        assert {service_model(service).signing_name for service in services} == {signing_name}


@pytest.mark.parametrize(
    ("host", "path"),
    [
        ("bucket.with.dots.s3.eu-west-3.amazonaws.com", "/a%20key/with//slashes"),
        ("s3.eu-west-3.amazonaws.com", "/bucket.with.dots/a%20key/with//slashes"),
        ("127.0.0.1:4566", "/bucket.with.dots/a%20key/with//slashes"),
    ],
)
def test_an_object_is_found_at_virtual_and_at_path_addresses(record: Record, host: str, path: str) -> None:
    found = operation_of(record("s3", "GET", path, host=host, query="versionId=1&x-id=GetObject"))
    assert (found.service, found.name) == ("s3", "GetObject")
    assert found.parameters["Bucket"] == "bucket.with.dots"
    assert found.parameters["Key"] == "a key/with//slashes"
    assert found.parameters["VersionId"] == "1"


def test_a_key_that_looks_like_a_bucket_remains_a_key(record: Record) -> None:
    at_root = operation_of(
        record("s3", "GET", "/", host="data.s3.eu-west-3.amazonaws.com", query="list-type=2&prefix=x")
    )
    assert (at_root.name, at_root.parameters["Bucket"], at_root.parameters["Prefix"]) == ("ListObjectsV2", "data", "x")
    of_key = operation_of(record("s3", "GET", "/other", host="data.s3.eu-west-3.amazonaws.com"))
    assert (of_key.name, of_key.parameters["Bucket"], of_key.parameters["Key"]) == ("GetObject", "data", "other")
    assert operation_of(record("s3", "GET", "/")).name == "ListBuckets"


def test_a_presigned_address_is_the_same_operation(record: Record) -> None:
    query = "versionId=7&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=0&x-amz-checksum-mode=ENABLED"
    found = operation_of(record("s3", "GET", "/bucket/key", host="s3.eu-west-3.amazonaws.com", query=query))
    assert (found.name, found.parameters["VersionId"]) == ("GetObject", "7")


def test_a_copy_is_not_a_put(record: Record) -> None:
    found = operation_of(record("s3", "PUT", "/bucket/key", headers={"X-Amz-Copy-Source": "other/key"}))
    assert (found.name, found.parameters["CopySource"]) == ("CopyObject", "other/key")


def test_lists_of_the_query_protocol_become_lists(record: Record) -> None:
    body = "Action=CreateChangeSet&StackName=s&Parameters.member.1.ParameterKey=K&Parameters.member.1.ParameterValue=V"
    found = operation_of(record("cloudformation", body=body))
    assert found.name == "CreateChangeSet"
    assert found.parameters["Parameters"] == [{"ParameterKey": "K", "ParameterValue": "V"}]


def test_complete_members_of_a_truncated_body_are_read(record: Record) -> None:
    machine = "arn:aws:states:eu-west-3:000000000000:stateMachine:m"
    body = json.dumps({"stateMachineArn": machine, "name": "n", "input": "x" * BODY_CHARACTERS})[:BODY_CHARACTERS]
    found = operation_of(record("states", headers={"x-amz-target": "AWSStepFunctions.StartExecution"}, body=body))
    assert found.parameters == {"stateMachineArn": machine, "name": "n"}


def test_metrics_are_recognized_in_their_binary_protocol(record: Record) -> None:
    path = "/service/GraniteServiceVersion20100801/operation/PutMetricData"
    assert operation_of(record("monitoring", path=path)).name == "PutMetricData"


@pytest.mark.parametrize(
    ("service", "request_parts", "words"),
    [
        ("dynamodb", {}, "'dynamodb' is not a known service name of signatures"),
        ("s3", {"method": "GET", "path": "/bucket", "query": "invented"}, "no operation matches"),
        ("ssm", {"headers": {"x-amz-target": "AmazonSSM.Invented"}}, "(AmazonSSM.Invented): no operation matches"),
        ("ssm", {"headers": {"x-amz-target": "AWSStepFunctions.GetParameter"}}, "no operation matches"),
        ("sts", {"body": "Action=Invented"}, "no operation matches"),
        ("lambda", {"method": "GET", "path": "/2015-03-31/invented"}, "no operation matches"),
        ("monitoring", {"path": "/service/x/operation/Invented"}, "no operation matches"),
    ],
)
def test_a_request_without_an_operation_fails_by_name(
    record: Record, service: str, request_parts: Any, words: str
) -> None:
    with pytest.raises(UnknownOperationError) as caught:
        operation_of(record(service, **request_parts))
    assert words in str(caught.value)
