"""Whether the CDK's bootstrap is there, new enough, ours, and can be used by the caller."""

from __future__ import annotations

from collections.abc import Iterator

from botocore.exceptions import ClientError

from cli.cdk_bootstrap import ASSUMED_ROLES, EXECUTION_ROLE, MINIMUM_VERSION
from cli.doctor.finding import DENIED, POLICY, Check, Finding, code_of, unknown
from cli.doctor.subject import Subject

VERSION, ROLES, BUCKET = "bootstrap version", "bootstrap roles", "bootstrap bucket"
# The shortest session that STS gives (AssumeRole, API reference); nothing is done with it.
SESSION_SECONDS = 900


def look_at_version(subject: Subject) -> Iterator[Finding]:
    """Compare the version that the bootstrap stack recorded with what stacks of the pinned library ask for."""
    bootstrap = subject.bootstrap
    try:
        value = subject.client("ssm").get_parameter(Name=bootstrap.version_parameter)["Parameter"]["Value"]
    except ClientError as error:
        if code_of(error) != "ParameterNotFound":
            raise
        found = f"there is no bootstrap with qualifier {bootstrap.qualifier} in {subject.region}"
        yield Finding(VERSION, "fail", found, _bootstrap_it(subject))
        return
    version = int(value)
    if version < MINIMUM_VERSION:
        found = f"it has version {version}, and at least {MINIMUM_VERSION} is needed"
        yield Finding(VERSION, "fail", found, _bootstrap_it(subject))
    else:
        yield Finding(VERSION, "pass", f"version {version}, qualifier {bootstrap.qualifier}")


def look_at_roles(subject: Subject) -> Iterator[Finding]:
    """Assume each role that a deployment assumes, as only that tells trust and permissions together."""
    bootstrap = subject.bootstrap
    problems: list[Finding] = []
    for kind in ASSUMED_ROLES:
        try:
            subject.client("sts").assume_role(
                RoleArn=bootstrap.role_arn(kind), RoleSessionName="vectora-doctor", DurationSeconds=SESSION_SECONDS
            )
        except ClientError as error:
            if code_of(error) not in DENIED:
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
    return Finding(ROLES, "fail", found, f"an administrator attaches {POLICY} to your role, and bootstraps if need be")


def _missing(subject: Subject, kind: str) -> Finding | None:
    name = subject.bootstrap.role_name(kind)
    try:
        subject.client("iam").get_role(RoleName=name)
    except ClientError as error:
        if code_of(error) == "NoSuchEntity":
            return Finding(ROLES, "fail", f"the role {name} is missing", _bootstrap_it(subject))
        return unknown(ROLES, error)
    return None


def look_at_bucket(subject: Subject) -> Iterator[Finding]:
    """Look for the bucket of assets, and whether it is this account's: bucket names are global."""
    name = subject.bootstrap.assets_bucket
    try:
        subject.client("s3").head_bucket(Bucket=name, ExpectedBucketOwner=subject.account_id)
    except ClientError as error:
        code = code_of(error)
        if code in ("404", "NoSuchBucket"):
            yield Finding(BUCKET, "fail", f"{name} is missing", _bootstrap_it(subject))
        elif code in DENIED:
            yield Finding(
                BUCKET,
                "fail",
                f"{name} is another account's, or you have no s3:ListBucket on it",
                "if it is another account's, somebody took the name: bootstrap with a qualifier of your own "
                "(cdk bootstrap --qualifier, and the same in cdk.json)",
            )
        else:
            raise
        return
    yield Finding(BUCKET, "pass", f"{name} belongs to {subject.account_id}")


def _bootstrap_it(subject: Subject) -> str:
    context = f" --context env={subject.envs[0]}" if not subject.pipeline else ""
    return f"an administrator runs: cdk bootstrap{context}"


CHECKS = (Check(VERSION, look_at_version), Check(ROLES, look_at_roles), Check(BUCKET, look_at_bucket))
