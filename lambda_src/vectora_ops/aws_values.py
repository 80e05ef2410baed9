"""Values of settings that AWS accepts: accounts, regions, branches, repositories, parameters and amounts."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from importlib.resources import files
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from vectora_ops.names import LIMITS
from vectora_shared.config.section import NotationError
from vectora_shared.config.wording import did_you_mean

PARAMETER_LEVELS = 15
RESERVED_PARAMETER_PREFIXES = ("/aws", "/ssm")
RESERVED_BUCKET_SUFFIXES = ("-s3alias", "-an")  # S3 user guide, general purpose bucket naming rules
# Retention periods, in days, that CloudWatch Logs accepts (PutRetentionPolicy, API reference).
# fmt: off
LOG_RETENTION_DAYS = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
)
# fmt: on
# The ARNs in the stacks' permissions are those of this partition.
PARTITION = "aws"
# CDK names the variables of the source `Source@{repository}`; CodePipeline accepts 100 characters (ActionNamespace).
LONGEST_REPOSITORY = 93
# git-check-ref-format(1); CodePipeline reads the branch by git.
_NO_BRANCH = re.compile(r"[^!-~]|[~^:?*\[\\]|\.\.|//|@\{|^[-/]|[/.]$|(^|/)\.|\.lock(/|$)|^@$")


@lru_cache(maxsize=1)
def known_regions() -> tuple[str, ...]:
    """Return the regions of the partition that the locked botocore knows, sorted."""
    # Not by botocore's loader, whose imports take as much CPU time of a synth as the settings themselves.
    text = files("botocore").joinpath("data", "partitions.json").read_text(encoding="utf-8")
    partitions = json.loads(text)["partitions"]
    found = next(each for each in partitions if each["id"] == PARTITION)
    return tuple(sorted(region for region in found["regions"] if re.fullmatch(found["regionRegex"], region)))


def _region(region: str) -> str:
    known = known_regions()
    if region not in known:
        raise NotationError(
            f"is no AWS region: {did_you_mean(region, known)}write one such as eu-west-3; a newer region needs a newer "
            "boto3 in requirements.in"
        )
    return region


def _bucket_suffix(suffix: str) -> str:
    if f"-{suffix}".endswith(RESERVED_BUCKET_SUFFIXES):
        raise ValueError(f"names of buckets that end with {' or '.join(RESERVED_BUCKET_SUFFIXES)} are reserved by S3")
    return suffix


def _branch(name: str) -> str:
    if not name or _NO_BRANCH.search(name):
        raise NotationError("is no branch of git: write its name without spaces, such as main or release/2")
    return name


def _log_retention(days: int) -> int:
    if days not in LOG_RETENTION_DAYS:
        raise ValueError(f"CloudWatch Logs accepts only {', '.join(map(str, LOG_RETENTION_DAYS))} days")
    return days


def _parameter_name(name: str) -> str:
    """Return `name`; raise ValueError if SSM refuses it (SSM user guide, constraints for parameter names)."""
    if name.lower().startswith(RESERVED_PARAMETER_PREFIXES) or name.count("/") > PARAMETER_LEVELS:
        raise ValueError(
            f"names that begin with aws or ssm, or have more than {PARAMETER_LEVELS} levels, are refused by SSM"
        )
    return name


def _repository(name: str) -> str:
    if {".", ".."} & set(name.split("/")):
        raise NotationError("is no repository: write owner/name")
    return name


Account = Annotated[str, StringConstraints(pattern=r"^[0-9]{12}$")]
# Written between brackets in a line of ~/.aws/config.
Profile = Annotated[str, StringConstraints(pattern=r"^[^\s\[\]=]+$", max_length=100)]
# ARN, or path and name, of a role (IAM and AWS STS quotas, "IAM name requirements").
Role = Annotated[
    str, StringConstraints(pattern=r"^(arn:aws:iam::[0-9]{12}:role/)?([A-Za-z0-9_+=,.@-]+/)*[A-Za-z0-9_+=,.@-]{1,64}$")
]
Region = Annotated[str, AfterValidator(_region)]
BucketSuffix = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$"), AfterValidator(_bucket_suffix)]
Branch = Annotated[str, StringConstraints(max_length=255), AfterValidator(_branch)]
Repository = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$", max_length=LONGEST_REPOSITORY),
    AfterValidator(_repository),
]
ParameterName = Annotated[
    str,
    StringConstraints(pattern=r"^(/[A-Za-z0-9_.-]+)+$", max_length=LIMITS["parameter"].longest),
    AfterValidator(_parameter_name),
]
# AWS Budgets reads decimal digits without an exponent (botocore, budgets: NumericValue), in which Python writes small
# and large numbers.
BudgetUsd = Annotated[float, Field(ge=0.01, le=1_000_000_000)]
LogRetentionDays = Annotated[int, AfterValidator(_log_retention)]
# Cost Explorer API reference, AnomalyMonitor: MonitorArn.
AnomalyMonitor = Annotated[str, StringConstraints(pattern=r"^arn:aws:ce::[0-9]{12}:anomalymonitor/[A-Za-z0-9/:_-]+$")]
