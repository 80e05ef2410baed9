"""Announcement of what the first deployment changes in a running system, or removes from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from adoption.preview import preview_deployment
from vectora_ops.account import Account
from vectora_ops.cloudformation.definition import FUNCTION, ResourceChange
from vectora_ops.cloudformation.imports import BUCKET, IDENTIFIERS, LOG_GROUP
from vectora_ops.cloudformation.live_definitions import log_group_properties
from vectora_ops.live_environment import Environment
from vectora_ops.names import Names
from vectora_shared.aws import read_object
from vectora_shared.aws_errors import is_absent
from vectora_shared.config.configuration import PROMPTS_PREFIX
from vectora_shared.config.publication import PREFIXES
from vectora_shared.config.yaml_file import parse_yaml
from vectora_shared.errors import ConfigurationError
from vectora_shared.keys import client_of_key
from vectora_shared.storage import Bucket

Templates = Mapping[str, Mapping[str, Any]]
# By key of GetFunction's answer: properties of a function that a deployment announces with both values.
COMPARED = ("Runtime", "Handler", "MemorySize", "Timeout")


@dataclass(frozen=True)
class RemovedResource:
    """A resource of a deployed stack that is not in the new template."""

    stack: str
    kind: str
    name: str


@dataclass(frozen=True)
class ChangedFunction:
    """A function that gets new code, layers and role; `changes` are its other settings."""

    name: str
    changes: tuple[str, ...]


@dataclass(frozen=True)
class ChangedLogGroup:
    """A log group whose older events are deleted, because its retention becomes shorter; None keeps them for ever."""

    name: str
    days_before: int | None
    days: int


@dataclass(frozen=True)
class ChangedConfiguration:
    """Keys of the config bucket, by what the publication does with them, and client files that are active."""

    overwritten: tuple[str, ...]
    deleted: tuple[str, ...]
    kept: tuple[str, ...]
    active_clients: tuple[str, ...]


@dataclass(frozen=True)
class StackChanges:
    """CloudFormation's own judgement of a stack's update."""

    stack: str
    changes: tuple[ResourceChange, ...]

    @property
    def replaced(self) -> tuple[str, ...]:
        """Logical ids of the resources that would be replaced."""
        return tuple(each.logical_id for each in self.changes if each.replacement == "True")


@dataclass(frozen=True)
class Announcement:
    """Changes that the next deployment makes to what runs now; `old_versions` are days by bucket."""

    removed: tuple[RemovedResource, ...]
    functions: tuple[ChangedFunction, ...]
    log_groups: tuple[ChangedLogGroup, ...]
    configuration: ChangedConfiguration
    old_versions: Mapping[str, int]
    stacks: tuple[StackChanges, ...]


def announce(
    account: Account,
    names: Names,
    templates: Templates,
    configuration: Mapping[str, bytes],
    *,
    code_bucket: str,
    waiting: frozenset[str],
) -> Announcement:
    """Return what a deployment of `templates` and of the `configuration` files would change; nothing is changed.

    Stacks named in `waiting` have resources to import first, so CloudFormation cannot judge their update yet.
    """
    environment = Environment(account, names)
    deployed = {name: template for name, template in templates.items() if name in environment.stack_names}
    return Announcement(
        removed=tuple(_removed(environment, deployed)),
        functions=tuple(_functions(environment, deployed)),
        log_groups=tuple(_log_groups(account, deployed)),
        configuration=_configuration(account, names.bucket("config"), configuration),
        old_versions=dict(_old_versions(account, deployed)),
        stacks=tuple(
            StackChanges(name, preview_deployment(account, name, template, assets_bucket=code_bucket))
            for name, template in deployed.items()
            if name not in waiting and environment.stack(name) is not None
        ),
    )


def _removed(environment: Environment, templates: Templates) -> Iterator[RemovedResource]:
    for stack, template in templates.items():
        for logical_id, (kind, physical_id) in environment.resources(stack).items():
            if logical_id not in template["Resources"]:
                yield RemovedResource(stack, kind, physical_id)


def _named(templates: Templates, kind: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for template in templates.values():
        for resource in template["Resources"].values():
            name = resource.get("Properties", {}).get(IDENTIFIERS.get(kind, ""))
            if resource["Type"] == kind and isinstance(name, str):
                yield name, resource["Properties"]


def _functions(environment: Environment, templates: Templates) -> Iterator[ChangedFunction]:
    for name, properties in _named(templates, FUNCTION):
        if (answer := environment.function(name)) is None:
            continue
        found = answer["Configuration"]
        changes = [
            f"{key} {found.get(key)} -> {properties[key]}"
            for key in COMPARED
            if key in properties and properties[key] != found.get(key)
        ]
        variables = set(found.get("Environment", {}).get("Variables", {}))
        gone = sorted(variables - set(properties.get("Environment", {}).get("Variables", {})))
        changes += [f"without variable {variable}" for variable in gone]
        yield ChangedFunction(name, tuple(changes))


def _log_groups(account: Account, templates: Templates) -> Iterator[ChangedLogGroup]:
    for name, properties in _named(templates, LOG_GROUP):
        found = log_group_properties(account, name)
        if found is None or "RetentionInDays" not in properties:
            continue
        before, days = found.get("RetentionInDays"), int(properties["RetentionInDays"])
        if before is None or before > days:
            yield ChangedLogGroup(name, before, days)


def _configuration(account: Account, bucket_name: str, files: Mapping[str, bytes]) -> ChangedConfiguration:
    s3 = account.client("s3")
    bucket = Bucket(s3, bucket_name)
    try:
        keys = [key for prefix in PREFIXES for key in bucket.keys(prefix)]
    except ClientError as error:
        if is_absent(error, "bucket"):
            return ChangedConfiguration((), (), (), ())
        raise
    read = [key for key in keys if key in files or client_of_key(key)]
    found = {key: read_object(s3, Bucket=bucket_name, Key=key).body for key in read}
    return ChangedConfiguration(
        overwritten=tuple(key for key, body in found.items() if key in files and files[key] != body),
        deleted=tuple(key for key in keys if key not in files and key.startswith(PROMPTS_PREFIX)),
        kept=tuple(key for key in keys if key not in files and not key.startswith(PROMPTS_PREFIX)),
        active_clients=tuple(key for key, body in found.items() if client_of_key(key) and _is_active(key, body)),
    )


def _is_active(key: str, body: bytes) -> bool:
    """Return whether a client's file, which may have an old form, is active."""
    try:
        document = parse_yaml(key, body).data
    except ConfigurationError:
        return False
    profile = document.get("client_profile") if isinstance(document, Mapping) else None
    return isinstance(profile, Mapping) and profile.get("active") is True


def _old_versions(account: Account, templates: Templates) -> Iterator[tuple[str, int]]:
    for name, properties in _named(templates, BUCKET):
        if not _exists(account, name):
            continue
        for rule in properties.get("LifecycleConfiguration", {}).get("Rules", []):
            if days := rule.get("NoncurrentVersionExpiration", {}).get("NoncurrentDays"):
                yield name, int(days)


def _exists(account: Account, bucket: str) -> bool:
    try:
        account.client("s3").head_bucket(Bucket=bucket)
    except ClientError as error:
        if is_absent(error, "bucket"):
            return False
        raise
    return True
