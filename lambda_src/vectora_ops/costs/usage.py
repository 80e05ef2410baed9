"""Resources of an environment that AWS bills by the month, as they are now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from botocore.exceptions import ClientError

from vectora_ops.account import Account
from vectora_ops.cloudformation.reading import StackReader
from vectora_ops.names import BUCKETS, FUNCTION_TASKS, OPERATIONS_TASKS, STACK_LAYERS, FunctionTask, Names
from vectora_shared.aws_errors import is_absent

# Classes of storage that the vault's lifecycle moves objects to; all others are billed as S3 Standard here.
GLACIER_INSTANT_RETRIEVAL = "GLACIER_IR"
# Functions of a run, by the step whose seconds a manifest records.
FUNCTION_OF_STEP: Mapping[str, FunctionTask] = {
    "ingest": "ingest-v2",
    "normalize_score": "normalize-score-v2",
    "newsletter": "newsletter-v2",
}


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Stored bytes by class, keys, alarms, dashboards, bytes of logs, and the memory of the functions by step in MB.

    Bytes are those of current objects: noncurrent versions are listed by no cheap request.
    """

    stored_bytes: Mapping[str, int] = field(default_factory=dict)
    keys: int = 0
    alarms: int = 0
    dashboards: int = 0
    log_bytes: int = 0
    memory_mb: Mapping[str, int] = field(default_factory=dict)


def measured_usage(account: Account, names: Names) -> Usage:
    """Return what the environment has now; nothing of what was never deployed."""
    kinds = Counter(kind for kind in _kinds_of_resources(account, names))
    return Usage(
        stored_bytes=_stored_bytes(account, names),
        keys=kinds["AWS::KMS::Key"],
        alarms=kinds["AWS::CloudWatch::Alarm"],
        dashboards=kinds["AWS::CloudWatch::Dashboard"],
        log_bytes=_log_bytes(account, names),
        memory_mb={
            step: memory
            for step, task in FUNCTION_OF_STEP.items()
            if (memory := _memory(account, names.function(task))) is not None
        },
    )


def _kinds_of_resources(account: Account, names: Names) -> Iterator[str]:
    reader = StackReader(account)
    for layer in STACK_LAYERS:
        yield from (kind for kind, _ in reader.resources(names.stack(layer)).values())


def _stored_bytes(account: Account, names: Names) -> dict[str, int]:
    s3, found = account.client("s3"), Counter[str]()
    for content in BUCKETS:
        try:
            for page in s3.get_paginator("list_objects_v2").paginate(Bucket=names.bucket(content)):
                for each in page.get("Contents", ()):
                    found[each.get("StorageClass", "STANDARD")] += each["Size"]
        except ClientError as error:
            if not is_absent(error, "bucket"):
                raise
    return dict(found)


def _log_bytes(account: Account, names: Names) -> int:
    groups = {names.log_group(task) for task in (*FUNCTION_TASKS, *OPERATIONS_TASKS)} | {names.state_machine_log_group}
    pages = account.client("logs").get_paginator("describe_log_groups")
    return sum(
        each.get("storedBytes", 0)
        # All but the last part of a log group's name is the same for every function.
        for prefix in sorted({group[: group.rindex("/") + 1] + names.project for group in groups})
        for page in pages.paginate(logGroupNamePrefix=prefix)
        for each in page["logGroups"]
        if each["logGroupName"] in groups
    )


def _memory(account: Account, function: str) -> int | None:
    try:
        return int(account.client("lambda").get_function_configuration(FunctionName=function)["MemorySize"])
    except ClientError as error:
        if is_absent(error, "function"):
            return None
        raise
