"""All checks of an account, run concurrently and listed in the order in which to fix them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError

from cli.doctor import bootstrap, buckets, mail, model, permissions, pipeline, quotas, stacks, stray_objects, tools
from cli.doctor.finding import Check, Finding
from cli.doctor.identity import CREDENTIALS, LOG_IN, Caller, check_account, check_caller
from cli.doctor.subject import Subject
from vectora_ops.settings import ENVIRONMENT_NAMES, Settings
from vectora_shared.errors import VectoraError

THREADS = 8


def examine(root: Path, settings: Settings, env: str | None) -> tuple[Finding, ...]:
    """Check an environment, or the pipeline and all environments when `env` is None.

    Raises ConfigurationError for an unknown environment, VectoraError when the pipeline's environments are in several
    regions.
    """
    envs = (env,) if env else ENVIRONMENT_NAMES
    region = _one_region(settings, envs)
    found = list(tools.check_tools(root))
    try:
        session = boto3.Session(region_name=region)
    except BotoCoreError as error:
        # For example, the profile does not exist.
        return (
            *found,
            Finding(CREDENTIALS, "fail", str(error), LOG_IN),
            *_not_checked(env is None, "no credentials"),
        )
    caller, identity = check_caller(session, region)
    found += identity
    if caller is None:
        return (*found, *_not_checked(env is None, "no usable credentials"))
    account = check_account(caller, {each: settings.environment(each).account for each in envs})
    found.append(account)
    if account.verdict == "fail":
        return (*found, *_not_checked(env is None, "credentials of another account"))
    subject = _subject(root, settings, envs, env is None, session, region, caller)
    return (*found, *_checked(subject))


def checks(with_pipeline: bool) -> tuple[Check, ...]:
    """Return the checks that need credentials of the account, in order."""
    return (
        permissions.CHECK,
        *bootstrap.CHECKS,
        *((pipeline.CHECK, quotas.PIPELINE_CHECK) if with_pipeline else ()),
        model.CHECK,
        mail.CHECK,
        buckets.CHECK,
        stacks.CHECK,
        stray_objects.CHECK,
        *quotas.CHECKS,
    )


def _checked(subject: Subject) -> Iterator[Finding]:
    with ThreadPoolExecutor(THREADS) as pool:
        for findings in pool.map(lambda check: check.run(subject), checks(subject.pipeline)):
            yield from findings


def _not_checked(with_pipeline: bool, why: str) -> Iterator[Finding]:
    for check in checks(with_pipeline):
        yield Finding(check.name, "unknown", f"not checked: {why}")


def _subject(
    root: Path,
    settings: Settings,
    envs: tuple[str, ...],
    with_pipeline: bool,
    session: boto3.Session,
    region: str,
    caller: Caller,
) -> Subject:
    return Subject(
        root=root,
        settings=settings,
        envs=envs,
        pipeline=with_pipeline,
        session=session,
        region=region,
        account_id=caller.account_id,
        caller_arn=caller.arn,
    )


def _one_region(settings: Settings, envs: tuple[str, ...]) -> str:
    regions = sorted({settings.environment(env).region for env in envs})
    if len(regions) > 1:
        raise VectoraError(
            f"The pipeline deploys to one region, but config/environments.yaml has several ({', '.join(regions)}): "
            "check one environment at a time (--env stage)."
        )
    return regions[0]
