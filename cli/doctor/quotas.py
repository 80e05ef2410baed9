"""Whether the account's quotas leave room for what is deployed and run."""

from __future__ import annotations

from collections.abc import Iterator

from cli.doctor.finding import Check, Finding
from cli.doctor.subject import Subject
from vectora_ops.names import STACK_LAYERS

CONCURRENCY, STORAGE, BUILDS, ROLES, STACKS = (
    "Lambda concurrency",
    "Lambda code storage",
    "CodeBuild builds",
    "IAM roles",
    "stacks",
)
# An environment's run and three of its operations at once, in all three environments.
NEEDED_CONCURRENCY = 10
# Layers are kept with every deployment: room for some dozens of releases of all environments.
GIB = 1024**3
NEEDED_GIB = 1
# In the templates, as a test compares.
ROLES_OF_AN_ENVIRONMENT, ROLES_OF_THE_PIPELINE = 12, 18
# "Concurrently running builds for Linux/Medium environment", which the pipeline's builds are.
BUILDS_QUOTA = ("codebuild", "L-2DC20C30")
GONE = "DELETE_COMPLETE"


def look_at_lambda(subject: Subject) -> Iterator[Finding]:
    """Compare unreserved concurrency and free code storage with what is needed."""
    settings = subject.client("lambda").get_account_settings()
    limit, usage = settings["AccountLimit"], settings["AccountUsage"]
    unreserved = limit["UnreservedConcurrentExecutions"]
    found = f"{unreserved:,} of {limit['ConcurrentExecutions']:,} are unreserved, {NEEDED_CONCURRENCY} are needed"
    advice = _ask_for("Lambda", "Concurrent executions")
    yield _compared(CONCURRENCY, unreserved >= NEEDED_CONCURRENCY, found, advice)
    free = limit["TotalCodeSize"] - usage["TotalCodeSize"]
    found = f"{max(free, 0) / GIB:.1f} of {limit['TotalCodeSize'] / GIB:.0f} GiB are free, {NEEDED_GIB} is needed"
    advice = f"delete old layer versions, or {_ask_for('Lambda', 'Function and layer storage')}"
    yield _compared(STORAGE, free >= NEEDED_GIB * GIB, found, advice)


def look_at_builds(subject: Subject) -> Iterator[Finding]:
    """One build at a time is enough; the quota of a new account can be none."""
    service, code = BUILDS_QUOTA
    quota = subject.client("service-quotas").get_service_quota(ServiceCode=service, QuotaCode=code)["Quota"]
    value = int(quota["Value"])
    advice = _ask_for("CodeBuild", quota["QuotaName"])
    yield _compared(BUILDS, value >= 1, f"{value} at once, 1 is needed", advice)


def look_at_roles(subject: Subject) -> Iterator[Finding]:
    """Compare the roles that are free with those of the stacks, also when some of these are there already."""
    summary = subject.client("iam").get_account_summary()["SummaryMap"]
    free = summary["RolesQuota"] - summary["Roles"]
    needed = ROLES_OF_AN_ENVIRONMENT * len(subject.envs) + (ROLES_OF_THE_PIPELINE if subject.pipeline else 0)
    found = f"{free:,} of {summary['RolesQuota']:,} are free, {needed} are needed"
    yield _compared(ROLES, free >= needed, found, _ask_for("IAM", "Roles per account"))


def look_at_stacks(subject: Subject) -> Iterator[Finding]:
    """Compare the stacks that are free with those that are deployed."""
    client = subject.client("cloudformation")
    pages = client.get_paginator("describe_account_limits").paginate()
    limits = {each["Name"]: each["Value"] for page in pages for each in page["AccountLimits"]}
    summaries = client.get_paginator("list_stacks").paginate()
    there = sum(each["StackStatus"] != GONE for page in summaries for each in page["StackSummaries"])
    needed = len(STACK_LAYERS) * len(subject.envs) + int(subject.pipeline)
    free = limits["StackLimit"] - there
    found = f"{free:,} of {limits['StackLimit']:,} are free, {needed} are needed"
    yield _compared(STACKS, free >= needed, found, _ask_for("CloudFormation", "Stack count"))


def _compared(check: str, enough: bool, found: str, advice: str) -> Finding:
    return Finding(check, "pass", found) if enough else Finding(check, "fail", found, advice)


def _ask_for(service: str, quota: str) -> str:
    return f"ask for an increase: console, Service Quotas, {service}, '{quota}'"


CHECKS = (Check("Lambda quotas", look_at_lambda), Check(ROLES, look_at_roles), Check(STACKS, look_at_stacks))
PIPELINE_CHECK = Check(BUILDS, look_at_builds)
