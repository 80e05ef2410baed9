"""Check of the delivery pipeline's connection to the repository."""

from __future__ import annotations

import re
from collections.abc import Iterator

from botocore.exceptions import ClientError

from cli.doctor.finding import Check, Finding
from cli.doctor.subject import Subject
from vectora_shared.aws_errors import error_code

NAME = "connection"
ARN = re.compile(
    r"arn:aws:(?P<service>codeconnections|codestar-connections):(?P<region>[a-z0-9-]+):(?P<account>\d{12})"
    r":connection/[0-9a-f-]{36}"
)
RUNBOOK = "docs/runbooks/pipeline.md"


def check_connection(subject: Subject) -> Iterator[Finding]:
    """Read the connection's ARN from its parameter, and its status from the service in the ARN."""
    parameter = subject.settings.pipeline.connection_arn_parameter
    try:
        arn = str(subject.client("ssm").get_parameter(Name=parameter)["Parameter"]["Value"])
    except ClientError as error:
        if error_code(error) != "ParameterNotFound":
            raise
        advice = f"an administrator creates a connection and stores its ARN there ({RUNBOOK}, 'Set it up')"
        yield Finding(NAME, "fail", f"there is no parameter {parameter}", advice)
        return
    parsed = ARN.fullmatch(arn)
    if parsed is None:
        advice = f"store the ARN of a connection ({RUNBOOK})"
        yield Finding(NAME, "fail", f"{parameter} holds '{arn}', which is not the ARN of a connection", advice)
    elif parsed["account"] != subject.account_id:
        advice = f"create one in this account and store its ARN ({RUNBOOK})"
        yield Finding(NAME, "fail", f"the connection belongs to account {parsed['account']}", advice)
    else:
        yield _state(subject, arn, parsed["service"], parsed["region"])


def _state(subject: Subject, arn: str, service: str, region: str) -> Finding:
    # Each prefix has its own API and its own actions ("Connections rename", Developer Tools console guide).
    try:
        connection = subject.client(service, region).get_connection(ConnectionArn=arn)["Connection"]
    except ClientError as error:
        if error_code(error) != "ResourceNotFoundException":
            raise
        advice = f"create a connection and store its ARN ({RUNBOOK})"
        return Finding(NAME, "fail", f"there is no connection {arn}", advice)
    name, status = connection["ConnectionName"], connection["ConnectionStatus"]
    if status == "AVAILABLE":
        return Finding(NAME, "pass", f"{name} is AVAILABLE, with the prefix {service}")
    advice = "complete it in the console: Developer Tools, Settings, Connections, 'Update pending connection'"
    return Finding(NAME, "fail", f"{name} is {status}", advice)


CHECK = Check(NAME, check_connection)
