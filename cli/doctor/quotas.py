"""Checks of the account's quotas for deployments and runs."""

from __future__ import annotations

from collections.abc import Iterator

from cli.doctor.finding import Check, Finding
from cli.doctor.subject import Subject
from vectora_ops.names import STACK_LAYERS
from vectora_ops.settings import ENVIRONMENT_NAMES, Settings

CONCURRENCY, STORAGE, BUILDS, ROLES, STACKS = (
    "Lambda concurrency",
    "Lambda code storage",
    "CodeBuild builds",
    "IAM roles",
    "stacks",
)
# A run and three concurrent operations of an environment, in all three environments.
NEEDED_CONCURRENCY = 10
# Every deployment adds layer versions: enough for dozens of releases of all environments.
GIB = 1024**3
NEEDED_GIB = 1
# Numbers of roles in the templates; a test compares them.
ROLES_OF_AN_ENVIRONMENT, ROLES_OF_THE_PIPELINE = 14, 21
# Added by environments of other accounts or regions than the pipeline's: to each of them, and to the pipeline.
ROLES_OF_ACCESS, ROLES_OF_THE_RELAY = 3, 7
# "Concurrently running builds for Linux/Medium environment" for the check, and "... Linux/Small ..." for the others.
BUILDS_QUOTAS = ("L-2DC20C30", "L-9D07B6EF")
DELETED = "DELETE_COMPLETE"


def check_lambda(subject: Subject) -> Iterator[Finding]:
    """Compare unreserved concurrency and free code storage with the required amounts."""
    settings = subject.client("lambda").get_account_settings()
    limit, usage = settings["AccountLimit"], settings["AccountUsage"]
    unreserved = limit["UnreservedConcurrentExecutions"]
    found = f"{unreserved:,} of {limit['ConcurrentExecutions']:,} are unreserved, {NEEDED_CONCURRENCY} are required"
    advice = _request_increase("Lambda", "Concurrent executions")
    yield _compared(CONCURRENCY, unreserved >= NEEDED_CONCURRENCY, found, advice)
    free = limit["TotalCodeSize"] - usage["TotalCodeSize"]
    found = f"{max(free, 0) / GIB:.1f} of {limit['TotalCodeSize'] / GIB:.0f} GiB are free, {NEEDED_GIB} is required"
    advice = f"delete old layer versions, or {_request_increase('Lambda', 'Function and layer storage')}"
    yield _compared(STORAGE, free >= NEEDED_GIB * GIB, found, advice)


def check_builds(subject: Subject) -> Iterator[Finding]:
    """Check that one build of each size may run; the quotas of a new account can be 0."""
    client = subject.client("service-quotas")
    for code in BUILDS_QUOTAS:
        quota = client.get_service_quota(ServiceCode="codebuild", QuotaCode=code)["Quota"]
        value, name = int(quota["Value"]), quota["QuotaName"]
        found = f"{name}: {value}, 1 is required"
        yield _compared(BUILDS, value >= 1, found, _request_increase("CodeBuild", name))


def check_roles(subject: Subject) -> Iterator[Finding]:
    """Compare the free roles with all roles of the stacks, even if some of them already exist."""
    summary = subject.client("iam").get_account_summary()["SummaryMap"]
    free = summary["RolesQuota"] - summary["Roles"]
    needed = sum(_roles_of_environment(subject.settings, env) for env in subject.envs)
    needed += _roles_of_pipeline(subject.settings) if subject.pipeline else 0
    found = f"{free:,} of {summary['RolesQuota']:,} are free, {needed} are required"
    yield _compared(ROLES, free >= needed, found, _request_increase("IAM", "Roles per account"))


def _roles_of_environment(settings: Settings, env: str) -> int:
    # Delivery has one role more.
    sending = settings.environment(env).delivery is not None
    access = 0 if settings.is_beside_the_pipeline(env) else ROLES_OF_ACCESS
    return ROLES_OF_AN_ENVIRONMENT + sending + access


def _roles_of_pipeline(settings: Settings) -> int:
    beside = all(settings.is_beside_the_pipeline(env) for env in ENVIRONMENT_NAMES)
    return ROLES_OF_THE_PIPELINE + (0 if beside else ROLES_OF_THE_RELAY)


def check_stacks(subject: Subject) -> Iterator[Finding]:
    """Compare the free stacks with the number of stacks to deploy."""
    client = subject.client("cloudformation")
    pages = client.get_paginator("describe_account_limits").paginate()
    limits = {each["Name"]: each["Value"] for page in pages for each in page["AccountLimits"]}
    summaries = client.get_paginator("list_stacks").paginate()
    existing = sum(each["StackStatus"] != DELETED for page in summaries for each in page["StackSummaries"])
    needed = len(STACK_LAYERS) * len(subject.envs) + int(subject.pipeline)
    free = limits["StackLimit"] - existing
    found = f"{free:,} of {limits['StackLimit']:,} are free, {needed} are required"
    yield _compared(STACKS, free >= needed, found, _request_increase("CloudFormation", "Stack count"))


def _compared(check: str, enough: bool, found: str, advice: str) -> Finding:
    return Finding(check, "pass", found) if enough else Finding(check, "fail", found, advice)


def _request_increase(service: str, quota: str) -> str:
    return f"request an increase: console, Service Quotas, {service}, '{quota}'"


CHECKS = (Check("Lambda quotas", check_lambda), Check(ROLES, check_roles), Check(STACKS, check_stacks))
PIPELINE_CHECK = Check(BUILDS, check_builds)
