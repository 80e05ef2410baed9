"""The pipeline's connection, under its new and its old service name."""

from __future__ import annotations

import pytest

from cli.doctor.pipeline import CHECK
from tests.unit.cli.doctor.conftest import ACCOUNT, REGION, Aws, Run

ID = "0a1b2c3d-0a1b-2c3d-4e5f-0a1b2c3d4e5f"
SERVICES = ("codeconnections", "codestar-connections")
PARAMETER = "/vectora-inbox/pipeline/connection-arn"


def _arn(service: str, account: str = ACCOUNT, region: str = REGION) -> str:
    return f"arn:aws:{service}:{region}:{account}:connection/{ID}"


def _recorded(aws: Aws, value: str) -> None:
    aws.answers("ssm", "get_parameter", {"Parameter": {"Value": value}}, Name=PARAMETER)


def _state(aws: Aws, service: str, status: str, region: str = REGION) -> None:
    connection = {"ConnectionName": "github", "ConnectionStatus": status}
    aws.answers(
        service,
        "get_connection",
        {"Connection": connection},
        region=region,
        ConnectionArn=_arn(service, region=region),
    )


@pytest.mark.parametrize("service", SERVICES)
def test_an_available_connection_passes_with_its_prefix(aws: Aws, run: Run, service: str) -> None:
    _recorded(aws, _arn(service))
    _state(aws, service, "AVAILABLE")
    [finding] = run(CHECK, pipeline=True)
    assert (finding.verdict, finding.found) == ("pass", f"github is AVAILABLE, with the prefix {service}")


def test_a_connection_in_another_region_is_read_there(aws: Aws, run: Run) -> None:
    _recorded(aws, _arn("codeconnections", region="eu-west-1"))
    _state(aws, "codeconnections", "AVAILABLE", region="eu-west-1")
    [finding] = run(CHECK, pipeline=True)
    assert finding.verdict == "pass"


@pytest.mark.parametrize("status", ["PENDING", "ERROR"])
@pytest.mark.parametrize("service", SERVICES)
def test_an_incomplete_connection_fails(aws: Aws, run: Run, service: str, status: str) -> None:
    _recorded(aws, _arn(service))
    _state(aws, service, status)
    [finding] = run(CHECK, pipeline=True)
    assert (finding.verdict, finding.found) == ("fail", f"github is {status}")
    assert "console" in finding.advice


def test_a_missing_parameter_fails(aws: Aws, run: Run) -> None:
    aws.refuses("ssm", "get_parameter", "ParameterNotFound")
    [finding] = run(CHECK, pipeline=True)
    assert (finding.verdict, finding.found) == ("fail", f"there is no parameter {PARAMETER}")


@pytest.mark.parametrize(
    "value", ["ARN", "", f"arn:aws:codeconnections:{REGION}:{ACCOUNT}:host/{ID}", _arn("codecommit")]
)
def test_a_value_that_is_no_arn_of_a_connection_fails(aws: Aws, run: Run, value: str) -> None:
    _recorded(aws, value)
    [finding] = run(CHECK, pipeline=True)
    assert finding.verdict == "fail"
    assert "is not the ARN of a connection" in finding.found


def test_a_connection_of_another_account_fails(aws: Aws, run: Run) -> None:
    _recorded(aws, _arn("codeconnections", account="123456789012"))
    [finding] = run(CHECK, pipeline=True)
    assert (finding.verdict, finding.found) == ("fail", "the connection belongs to account 123456789012")


def test_a_connection_that_was_deleted_fails(aws: Aws, run: Run) -> None:
    _recorded(aws, _arn("codeconnections"))
    aws.refuses("codeconnections", "get_connection", "ResourceNotFoundException")
    [finding] = run(CHECK, pipeline=True)
    assert finding.verdict == "fail"


@pytest.mark.parametrize("service", ["ssm", "codeconnections"])
def test_an_unreadable_parameter_or_connection_is_unknown(aws: Aws, run: Run, service: str) -> None:
    if service == "ssm":
        aws.refuses("ssm", "get_parameter", "AccessDeniedException")
    else:
        _recorded(aws, _arn("codeconnections"))
        aws.refuses("codeconnections", "get_connection", "AccessDeniedException")
    [finding] = run(CHECK, pipeline=True)
    assert finding.verdict == "unknown"
    assert "operator-policy.json" in finding.advice
