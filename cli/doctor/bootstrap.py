"""Checks of the CDK bootstrap: version, owner, and permission to use it."""

from __future__ import annotations

from collections.abc import Iterator

from botocore.exceptions import ClientError

from cli.cdk_bootstrap import ASSUMED_ROLES, EXECUTION_ROLE, MINIMUM_VERSION
from cli.doctor.finding import Check, Finding, unknown
from cli.doctor.subject import Subject
from cli.operator_policy import POLICY_FILE
from vectora_shared.aws_errors import DENIED_CODES, error_code

VERSION, ROLES, BUCKET = "bootstrap version", "bootstrap roles", "bootstrap bucket"
# The shortest session that STS allows (AssumeRole, API reference); the session is not used.
SESSION_SECONDS = 900


def check_version(subject: Subject) -> Iterator[Finding]:
    """Compare the recorded version of the bootstrap stack with the one that the pinned library requires."""
    bootstrap = subject.bootstrap
    try:
        value = subject.client("ssm").get_parameter(Name=bootstrap.version_parameter)["Parameter"]["Value"]
    except ClientError as error:
        if error_code(error) != "ParameterNotFound":
            raise
        found = f"there is no bootstrap with qualifier {bootstrap.qualifier} in {subject.region}"
        yield Finding(VERSION, "fail", found, _bootstrap_it(subject))
        return
    version = int(value)
    if version < MINIMUM_VERSION:
        found = f"version {version}, at least {MINIMUM_VERSION} is required"
        yield Finding(VERSION, "fail", found, _bootstrap_it(subject))
    else:
        yield Finding(VERSION, "pass", f"version {version}, qualifier {bootstrap.qualifier}")


def check_roles(subject: Subject) -> Iterator[Finding]:
    """Assume each role that a deployment assumes: only this checks trust and permissions together."""
    bootstrap = subject.bootstrap
    problems: list[Finding] = []
    for kind in ASSUMED_ROLES:
        try:
            subject.client("sts").assume_role(
                RoleArn=bootstrap.role_arn(kind), RoleSessionName="vectora-doctor", DurationSeconds=SESSION_SECONDS
            )
        except ClientError as error:
            if error_code(error) not in DENIED_CODES:
                raise
            problems.append(_not_assumed(subject, kind))
    if (execution := _missing(subject, EXECUTION_ROLE)) is not None:
        problems.append(execution)
    worst = [each for each in problems if each.verdict == "fail"] or problems
    yield worst[0] if worst else Finding(ROLES, "pass", f"you can assume {' and '.join(ASSUMED_ROLES)}")


def _not_assumed(subject: Subject, kind: str) -> Finding:
    missing = _missing(subject, kind)
    if missing is not None and missing.verdict == "fail":
        return missing
    found = f"you may not assume {subject.bootstrap.role_name(kind)}"
    return Finding(ROLES, "fail", found, f"an administrator attaches {POLICY_FILE} to your role, or bootstraps again")


def _missing(subject: Subject, kind: str) -> Finding | None:
    name = subject.bootstrap.role_name(kind)
    try:
        subject.client("iam").get_role(RoleName=name)
    except ClientError as error:
        if error_code(error) == "NoSuchEntity":
            return Finding(ROLES, "fail", f"the role {name} is missing", _bootstrap_it(subject))
        return unknown(ROLES, error)
    return None


def check_bucket(subject: Subject) -> Iterator[Finding]:
    """Check that the assets bucket exists and belongs to this account: bucket names are global."""
    name = subject.bootstrap.assets_bucket
    try:
        subject.client("s3").head_bucket(Bucket=name, ExpectedBucketOwner=subject.account_id)
    except ClientError as error:
        code = error_code(error)
        if code in ("404", "NoSuchBucket"):
            yield Finding(BUCKET, "fail", f"{name} is missing", _bootstrap_it(subject))
        elif code in DENIED_CODES:
            yield Finding(
                BUCKET,
                "fail",
                f"{name} belongs to another account, or you have no s3:ListBucket on it",
                "if the bucket belongs to another account, bootstrap with your own qualifier (cdk bootstrap "
                "--qualifier, and the same in cdk.json)",
            )
        else:
            raise
        return
    yield Finding(BUCKET, "pass", f"{name} belongs to {subject.account_id}")


def _bootstrap_it(subject: Subject) -> str:
    context = f" --context env={subject.envs[0]}" if not subject.pipeline else ""
    return f"an administrator runs: cdk bootstrap{context}"


CHECKS = (Check(VERSION, check_version), Check(ROLES, check_roles), Check(BUCKET, check_bucket))
