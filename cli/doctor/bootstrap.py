"""Checks of the CDK bootstraps: version, owner, permission to use them, and the limits of their roles."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from botocore.exceptions import ClientError

from cli.bootstrap.template import bootstrap_of_environment as own_bootstrap_of_environment
from cli.bootstrap.template import bootstrap_of_pipeline as own_bootstrap_of_pipeline
from cli.cdk_bootstrap import ASSUMED_ROLES, EXECUTION_ROLE, MINIMUM_VERSION, PIPELINE, CdkBootstrap
from cli.doctor.finding import Check, Finding, unknown
from cli.doctor.subject import Subject
from cli.operator_policy import POLICY_FILE
from vectora_shared.aws_errors import DENIED_CODES, error_code

VERSION, ROLES, BUCKET, LIMITS = "bootstrap version", "bootstrap roles", "bootstrap bucket", "limits of roles"
UPGRADE = "docs/runbooks/walls-between-environments.md"
# The shortest session that STS allows (AssumeRole, API reference); the session is not used.
SESSION_SECONDS = 900
Examine = Callable[[Subject, CdkBootstrap], Finding]


def check_version(subject: Subject) -> Iterator[Finding]:
    """Compare the recorded version of each bootstrap stack with the one that the pinned library requires."""
    yield from _for_each(subject, VERSION, _version)


def check_roles(subject: Subject) -> Iterator[Finding]:
    """Assume each role that a deployment assumes: only this checks trust and permissions together."""
    yield from _for_each(subject, ROLES, _roles)


def check_bucket(subject: Subject) -> Iterator[Finding]:
    """Check that each assets bucket exists and belongs to this account: bucket names are global."""
    yield from _for_each(subject, BUCKET, _bucket)


def check_limits(subject: Subject) -> Iterator[Finding]:
    """Compare the limits of each bootstrap's roles with those of this version."""
    yield from _for_each(subject, LIMITS, _limits)


def _for_each(subject: Subject, check: str, examine: Examine) -> Iterator[Finding]:
    """Yield what is wrong with each bootstrap, or one finding with what is right."""
    found = [examine(subject, bootstrap) for bootstrap in subject.bootstraps]
    wrong = [each for each in found if each.verdict != "pass"]
    yield from wrong or [Finding(check, "pass", "; ".join(each.found for each in found))]


def _version(subject: Subject, bootstrap: CdkBootstrap) -> Finding:
    try:
        value = subject.client("ssm").get_parameter(Name=bootstrap.version_parameter)["Parameter"]["Value"]
    except ClientError as error:
        if error_code(error) != "ParameterNotFound":
            raise
        found = f"{bootstrap.owner} has no bootstrap (qualifier {bootstrap.qualifier}) in {subject.region}"
        return Finding(VERSION, "fail", found, _bootstrap_it(bootstrap))
    version = int(value)
    if version < MINIMUM_VERSION:
        found = f"{bootstrap.owner} has version {version}, at least {MINIMUM_VERSION} is required"
        return Finding(VERSION, "fail", found, _bootstrap_it(bootstrap))
    return Finding(VERSION, "pass", f"{bootstrap.owner}: version {version}, qualifier {bootstrap.qualifier}")


def _roles(subject: Subject, bootstrap: CdkBootstrap) -> Finding:
    problems: list[Finding] = []
    for kind in ASSUMED_ROLES:
        try:
            subject.client("sts").assume_role(
                RoleArn=bootstrap.role_arn(kind), RoleSessionName="vectora-doctor", DurationSeconds=SESSION_SECONDS
            )
        except ClientError as error:
            if error_code(error) not in DENIED_CODES:
                raise
            problems.append(_not_assumed(subject, bootstrap, kind))
    if (execution := _missing(subject, bootstrap, EXECUTION_ROLE)) is not None:
        problems.append(execution)
    worst = [each for each in problems if each.verdict == "fail"] or problems
    return (
        worst[0]
        if worst
        else Finding(ROLES, "pass", f"{bootstrap.owner}: you can assume {' and '.join(ASSUMED_ROLES)}")
    )


def _not_assumed(subject: Subject, bootstrap: CdkBootstrap, kind: str) -> Finding:
    missing = _missing(subject, bootstrap, kind)
    if missing is not None and missing.verdict == "fail":
        return missing
    found = f"you may not assume {bootstrap.role_name(kind)}"
    return Finding(ROLES, "fail", found, f"an administrator attaches {POLICY_FILE} to your role, or bootstraps again")


def _missing(subject: Subject, bootstrap: CdkBootstrap, kind: str) -> Finding | None:
    name = bootstrap.role_name(kind)
    try:
        subject.client("iam").get_role(RoleName=name)
    except ClientError as error:
        if error_code(error) == "NoSuchEntity":
            return Finding(ROLES, "fail", f"the role {name} is missing", _bootstrap_it(bootstrap))
        return unknown(ROLES, error)
    return None


def _bucket(subject: Subject, bootstrap: CdkBootstrap) -> Finding:
    name = bootstrap.assets_bucket
    try:
        subject.client("s3").head_bucket(Bucket=name, ExpectedBucketOwner=subject.account_id)
    except ClientError as error:
        code = error_code(error)
        if code in ("404", "NoSuchBucket"):
            return Finding(BUCKET, "fail", f"{name} is missing", _bootstrap_it(bootstrap))
        if code in DENIED_CODES:
            return Finding(
                BUCKET,
                "fail",
                f"{name} belongs to another account, or you have no s3:ListBucket on it",
                "if the bucket belongs to another account, choose another `project` in config/environments.yaml",
            )
        raise
    return Finding(BUCKET, "pass", f"{name} belongs to {subject.account_id}")


def _limits(subject: Subject, bootstrap: CdkBootstrap) -> Finding:
    try:
        deployed = subject.client("ssm").get_parameter(Name=bootstrap.limits_parameter)["Parameter"]["Value"]
    except ClientError as error:
        if error_code(error) != "ParameterNotFound":
            raise
        found = f"{bootstrap.owner} shares a bootstrap, or its bootstrap has no limits"
        return Finding(LIMITS, "fail", found, f"{_bootstrap_it(bootstrap)} ({UPGRADE})")
    own = (
        own_bootstrap_of_pipeline(subject.settings)
        if bootstrap.owner == PIPELINE
        else own_bootstrap_of_environment(subject.settings, bootstrap.owner)
    )
    if deployed != own.digest_of_limits:
        return Finding(LIMITS, "fail", f"those of {bootstrap.owner} are not this version's", _bootstrap_it(bootstrap))
    role = subject.client("iam").get_role(RoleName=bootstrap.role_name(EXECUTION_ROLE))["Role"]
    boundary = role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
    if boundary != bootstrap.execution_policy_arn:
        found = f"CloudFormation's role of {bootstrap.owner} is not limited to {bootstrap.execution_policy}"
        return Finding(LIMITS, "fail", found, f"{_bootstrap_it(bootstrap)} ({UPGRADE})")
    return Finding(LIMITS, "pass", f"{bootstrap.owner}: those of this version")


def _bootstrap_it(bootstrap: CdkBootstrap) -> str:
    return f"an administrator runs: {bootstrap.command}"


CHECKS = (
    Check(VERSION, check_version),
    Check(ROLES, check_roles),
    Check(BUCKET, check_bucket),
    Check(LIMITS, check_limits),
)
