"""Throttling, server errors, truncated answers and eventually consistent reads, each at a seeded rate."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ResponseStreamingError

from rehearsal.certificates import Authority
from rehearsal.disturbances import Disturbances, disturbance_counts
from rehearsal.emulator import ACCOUNT, Emulator, root_user
from vectora_shared.aws_errors import error_code

REGION = "eu-west-3"
ONCE = Config(retries={"mode": "standard", "total_max_attempts": 1})
CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "s3": ("list_buckets", {}),
    "sns": ("list_topics", {}),
    "cloudformation": ("list_stacks", {}),
    "iam": ("list_roles", {}),
    "ssm": ("describe_parameters", {}),
    "stepfunctions": ("list_state_machines", {}),
    "lambda": ("list_functions", {}),
    "scheduler": ("list_schedules", {}),
    "logs": ("describe_log_groups", {}),
}
THROTTLED = {"s3": "SlowDown", "sns": "Throttling", "cloudformation": "Throttling", "iam": "Throttling"}


@pytest.fixture
def undisturbed(emulator: Emulator) -> Iterator[Emulator]:
    yield emulator
    Disturbances().set(emulator.endpoint, emulator.ca_bundle)


def _client(emulator: Emulator, service: str, config: Config = ONCE) -> Any:
    session: Any = emulator.session()
    return session.client(service, config=config)


def _set(emulator: Emulator, **rates: Any) -> None:
    Disturbances(**rates).set(emulator.endpoint, emulator.ca_bundle)


@pytest.mark.parametrize("service", CALLS)
def test_throttling_and_server_errors_have_the_form_of_each_protocol(
    undisturbed: Emulator, kit: Any, service: str
) -> None:
    operation, arguments = CALLS[service]
    call = getattr(_client(undisturbed, service), operation)
    _set(undisturbed, throttle=1.0)
    assert kit.error_of(call, **arguments)[0] == THROTTLED.get(service, "ThrottlingException")
    _set(undisturbed, server_error=1.0)
    with pytest.raises(ClientError) as failed:
        call(**arguments)
    answer = failed.value.response["ResponseMetadata"]
    assert answer["HTTPStatusCode"] == 500
    assert "date" in answer["HTTPHeaders"]
    _set(undisturbed)
    call(**arguments)


def test_botocore_retries_each_of_them(undisturbed: Emulator) -> None:
    patient = Config(retries={"mode": "standard", "total_max_attempts": 10})
    clients = {service: _client(undisturbed, service, patient) for service in CALLS}
    _set(undisturbed, seed=7, throttle=0.2, server_error=0.2)
    attempts = 0
    for service, (operation, arguments) in CALLS.items():
        answer = getattr(clients[service], operation)(**arguments)
        attempts += answer["ResponseMetadata"]["RetryAttempts"]
    counts = disturbance_counts(undisturbed.endpoint, undisturbed.ca_bundle)
    assert attempts == sum(counts.values()) > 0


def test_a_truncated_answer_announces_more_than_it_sends(undisturbed: Emulator) -> None:
    s3 = _client(undisturbed, "s3")
    s3.create_bucket(Bucket="cut", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket="cut", Key="key", Body=b"x" * 5000)
    _set(undisturbed, cut=1.0)
    answer = s3.get_object(Bucket="cut", Key="key")
    assert answer["ContentLength"] == 5000
    with pytest.raises(ResponseStreamingError, match="2500 more expected"):
        answer["Body"].read()
    _set(undisturbed)
    assert s3.get_object(Bucket="cut", Key="key")["Body"].read() == b"x" * 5000


def _outcomes(emulator: Emulator, seed: int) -> list[str]:
    _set(emulator, seed=seed, throttle=0.2, server_error=0.2)
    call = _client(emulator, "ssm").describe_parameters
    outcomes = []
    for _ in range(40):
        try:
            call()
            outcomes.append("whole")
        except ClientError as error:
            outcomes.append(error_code(error))
    return outcomes


def test_the_same_seed_disturbs_the_same_calls(undisturbed: Emulator) -> None:
    first = _outcomes(undisturbed, seed=1)
    assert _outcomes(undisturbed, seed=1) == first
    assert _outcomes(undisturbed, seed=2) != first
    assert {"whole", "ThrottlingException", "InternalServerException"} == set(first)


def test_a_new_execution_is_not_found_by_the_first_reads(undisturbed: Emulator, account: Any, kit: Any) -> None:
    role = account.role("machine", service="states.amazonaws.com")
    definition = json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}})
    states = _client(undisturbed, "stepfunctions")
    machine = states.create_state_machine(name="late", definition=definition, roleArn=role)["stateMachineArn"]
    _set(undisturbed, stale_reads=2)
    execution = states.start_execution(stateMachineArn=machine)["executionArn"]
    reads: tuple[Callable[..., Any], ...] = (states.describe_execution, states.get_execution_history)
    for read in reads:
        assert kit.error_of(read, executionArn=execution)[0] == "ExecutionDoesNotExist"
    for read in reads:
        read(executionArn=execution)


def test_an_emulator_with_disturbances_is_disturbed_from_the_start_and_others_are_not(
    emulator: Emulator, emulator_python: Path, authority: Authority, kit: Any
) -> None:
    assert disturbance_counts(emulator.endpoint, emulator.ca_bundle) == {}
    disturbed = Disturbances(throttle=1.0)
    with Emulator(emulator_python, authority, region=REGION, disturbances=disturbed) as other:
        # With all calls throttled, the account's administrator cannot be created.
        client: Any = other.session_of(root_user(ACCOUNT))
        identity = client.client("sts", config=ONCE).get_caller_identity
        assert kit.error_of(identity)[0] == "Throttling"
        assert disturbance_counts(other.endpoint, other.ca_bundle) == {"throttle": 1}
