"""All checks of each account, run concurrently and listed in the order in which to fix them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError

from cli.access import PLACES, Access, access_to, open_session
from cli.doctor import (
    bootstrap,
    branch,
    buckets,
    mail,
    model,
    permissions,
    pipeline,
    quotas,
    stacks,
    stray_objects,
    tools,
)
from cli.doctor.finding import Check, Finding
from cli.doctor.identity import CREDENTIALS, LOG_IN, Caller, check_account, check_caller
from cli.doctor.subject import Subject
from cli.parallel import read_each
from vectora_ops.account import PIPELINE
from vectora_ops.settings import Settings
from vectora_shared.errors import VectoraError

if TYPE_CHECKING:
    import boto3

THREADS = 8


@dataclass(frozen=True)
class _Group:
    """Environments, and the pipeline, that share account, region and credentials."""

    access: Access
    wheres: tuple[str, ...]

    @property
    def envs(self) -> tuple[str, ...]:
        return tuple(where for where in self.wheres if where != PIPELINE)

    @property
    def pipeline(self) -> bool:
        return PIPELINE in self.wheres


def examine(root: Path, settings: Settings, env: str | None) -> tuple[Finding, ...]:
    """Check an environment, or the pipeline and all environments when `env` is None, each with its own access.

    Raises ConfigurationError for an unknown environment.
    """
    groups = _groups(settings, (env,) if env else PLACES)
    found = list(tools.check_tools(root))
    of_groups = read_each(groups, lambda group: list(_examined(root, settings, group)))
    for group, findings in zip(groups, of_groups, strict=True):
        where = " and ".join(group.wheres) if len(groups) > 1 else ""
        found += [replace(finding, where=where) for finding in findings]
    return tuple(found)


def _groups(settings: Settings, wheres: Iterable[str]) -> tuple[_Group, ...]:
    by_access: dict[Access, list[str]] = {}
    for where in wheres:
        by_access.setdefault(access_to(settings, where), []).append(where)
    return tuple(_Group(access, tuple(members)) for access, members in by_access.items())


def _examined(root: Path, settings: Settings, group: _Group) -> Iterator[Finding]:
    region = group.access.place.region
    try:
        session = open_session(group.access)
    except (BotoCoreError, VectoraError) as error:
        # For example, the profile does not exist.
        yield Finding(CREDENTIALS, "fail", str(error), LOG_IN)
        yield from _not_checked(group.pipeline, "no credentials")
        return
    caller, identity = check_caller(session, region)
    yield from identity
    if caller is None:
        yield from _not_checked(group.pipeline, "no usable credentials")
        return
    account = check_account(caller, {where: access_to(settings, where).place.account for where in group.wheres})
    yield account
    if account.verdict == "fail":
        yield from _not_checked(group.pipeline, "credentials of another account")
        return
    yield from _checked(_subject(root, settings, group, session, caller))


def checks(with_pipeline: bool) -> tuple[Check, ...]:
    """Return the checks that need credentials of the account, in order."""
    return (
        permissions.CHECK,
        *bootstrap.CHECKS,
        *((pipeline.CHECK, branch.CHECK, quotas.PIPELINE_CHECK) if with_pipeline else ()),
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


def _subject(root: Path, settings: Settings, group: _Group, session: boto3.Session, caller: Caller) -> Subject:
    return Subject(
        root=root,
        settings=settings,
        envs=group.envs,
        pipeline=group.pipeline,
        session=session,
        region=group.access.place.region,
        account_id=caller.account_id,
        caller_arn=caller.arn,
    )
