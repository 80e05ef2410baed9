"""Permissions of account settings, quotas, alarms and logs."""

from __future__ import annotations

from collections.abc import Mapping

from rehearsal.permissions.operations import Operation
from rehearsal.permissions.rules.common import Rule, arn_of, check_on, text_parameter


def _log_stream(operation: Operation) -> str:
    """Return a stream's ARN; for a whole group, the stream's name is empty, as in Logs' own refusals."""
    name = text_parameter(operation, "logGroupName", "logGroupIdentifier")
    group = name.removesuffix(":*") if name.startswith("arn:") else arn_of(operation, "logs", f"log-group:{name}")
    return f"{group}:log-stream:{operation.parameters.get('logStreamName', '')}"


def _all_alarms(operation: Operation) -> str:
    return arn_of(operation, "cloudwatch", "alarm:*")


def _quota(operation: Operation) -> str:
    service, quota = text_parameter(operation, "ServiceCode"), text_parameter(operation, "QuotaCode")
    return arn_of(operation, "servicequotas", f"{service}/{quota}")


def _account(operation: Operation) -> str:
    account = operation.parameters.get("AccountId") or operation.request.account
    return f"arn:aws:account::{account}:account"


ACCOUNT: Mapping[str, Rule] = {"GetRegionOptStatus": check_on(_account)}
CLOUDWATCH: Mapping[str, Rule] = {"DescribeAlarms": check_on(_all_alarms)}
SERVICE_QUOTAS: Mapping[str, Rule] = {"GetServiceQuota": check_on(_quota)}
LOGS: Mapping[str, Rule] = {
    name: check_on(_log_stream)
    for name in (
        "CreateLogGroup",
        "CreateLogStream",
        "DescribeLogStreams",
        "FilterLogEvents",
        "GetLogEvents",
        "PutLogEvents",
    )
}
