"""Statements and documents of the bootstraps' IAM policies."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

Statement = dict[str, Any]
Document = dict[str, Any]
ACCOUNT, REGION = "${AWS::AccountId}", "${AWS::Region}"
# IAM counts no white space (IAM and AWS STS quotas, "IAM and STS character limits").
LONGEST_MANAGED_POLICY = 6144
# Longest name of a region in the partition aws, such as ap-southeast-2.
LONGEST_REGION = 14
# Deliveries of logs, log groups by prefix, and X-Ray know no resources (service authorization reference).
DELIVER_LOGS = (
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:Describe*",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
)
# A topic's and an asset's key are used through their services only.
USE_KEYS_THROUGH_SERVICES: Statement = {
    "Effect": "Allow",
    "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
    "Resource": f"arn:aws:kms:*:{ACCOUNT}:key/*",
    "Condition": {"StringLike": {"kms:ViaService": ["s3.*.amazonaws.com", "sns.*.amazonaws.com"]}},
}


def allow(
    actions: Iterable[str],
    resources: Iterable[str],
    condition: Mapping[str, Mapping[str, str | list[str]]] | None = None,
) -> Statement:
    """Return a statement that allows the actions on the resources."""
    return _statement("Allow", actions, {"Resource": _short(resources)}, condition)


def deny(actions: Iterable[str], resources: Iterable[str]) -> Statement:
    """Return a statement that denies the actions on the resources, regardless of what other policies allow."""
    return _statement("Deny", actions, {"Resource": _short(resources)}, None)


def deny_except(actions: Iterable[str], resources: Iterable[str]) -> Statement:
    """Return a statement that denies the actions on all other resources, regardless of what other policies allow."""
    return _statement("Deny", actions, {"NotResource": _short(resources)}, None)


def document(*statements: Statement) -> Document:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def concrete(value: Any, account: str, region: str) -> Any:
    """Return a document for one account and region."""
    return json.loads(json.dumps(value).replace(ACCOUNT, account).replace(REGION, region))


def with_substitutions(value: Any) -> Any:
    """Return a document in which CloudFormation inserts account and region."""
    if isinstance(value, dict):
        return {key: with_substitutions(each) for key, each in value.items()}
    if isinstance(value, list):
        return [with_substitutions(each) for each in value]
    return {"Fn::Sub": value} if isinstance(value, str) and "${" in value else value


def longest(policy: Document) -> int:
    """Return the most characters that a document has in any account and region, as IAM counts them."""
    return len("".join(json.dumps(concrete(policy, "1" * 12, "r" * LONGEST_REGION)).split()))


def _statement(
    effect: str,
    actions: Iterable[str],
    resources: Mapping[str, list[str] | str],
    condition: Mapping[str, Mapping[str, str | list[str]]] | None,
) -> Statement:
    statement: Statement = {"Effect": effect, "Action": _short(actions), **resources}
    return {**statement, "Condition": condition} if condition else statement


def _short(texts: Iterable[str]) -> list[str] | str:
    """Return one text instead of a list with one, because every character counts."""
    listed = [texts] if isinstance(texts, str) else list(texts)
    return listed[0] if len(listed) == 1 else listed


def keys_with_tags(tags: dict[str, str]) -> tuple[Statement, ...]:
    """Return the statements on keys with these tags: a new key gets them, and another's key cannot get them."""
    existing = {f"aws:ResourceTag/{key}": value for key, value in tags.items()}
    keys = f"arn:aws:kms:*:{ACCOUNT}:key/*"
    return (
        allow("kms:CreateKey", "*", {"StringEquals": {f"aws:RequestTag/{key}": value for key, value in tags.items()}}),
        allow(
            (
                "kms:DescribeKey",
                "kms:DisableKey*",
                "kms:EnableKey*",
                "kms:Get*",
                "kms:ListResourceTags",
                "kms:PutKeyPolicy",
                "kms:ScheduleKeyDeletion",
                "kms:TagResource",
                "kms:UntagResource",
                "kms:UpdateKeyDescription",
            ),
            keys,
            {"StringEquals": existing},
        ),
        # A key that is being made has no tags yet.
        allow(
            "kms:TagResource",
            keys,
            {
                "StringEquals": {f"aws:RequestTag/{key}": value for key, value in tags.items()},
                "StringEqualsIfExists": existing,
            },
        ),
    )
