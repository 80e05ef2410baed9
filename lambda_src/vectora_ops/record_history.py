"""Histories of promotion records, which a snapshot keeps for the case that their account is lost."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from vectora_ops.account import Account
from vectora_ops.names import CLIENTS, LEDGER, Names
from vectora_shared.aws_errors import is_absent
from vectora_shared.errors import VectoraError

# The other records are about deployments and decisions of a pipeline, which is not the one of another account.
KEPT = (LEDGER, CLIENTS)
# Values of a record by its path, oldest first.
Histories = Mapping[str, Sequence[str]]


def read_histories(account: Account, names: Names) -> dict[str, list[str]]:
    """Return the values of each kept record that exists; SSM keeps the last hundred."""
    found = {path: _values(account.client("ssm"), names.parameter(path)) for path in KEPT}
    return {path: values for path, values in found.items() if values}


def histories_in(body: bytes) -> dict[str, list[str]]:
    """Return the histories that a snapshot keeps; raises ValueError for anything else."""
    found = json.loads(body)
    if not isinstance(found, dict) or not all(
        path in KEPT and isinstance(values, list) and all(isinstance(each, str) for each in values)
        for path, values in found.items()
    ):
        raise ValueError("it holds no histories of promotion records")
    return found


def write_histories(account: Account, names: Names, histories: Histories) -> int:
    """Write the values that are not there yet, and return how many these are; a second call finishes the first.

    Raises VectoraError when an environment has other records, and writes nothing then.
    """
    ssm = account.client("ssm")
    missing = {path: _missing(ssm, names.parameter(path), values) for path, values in histories.items()}
    for path, values in missing.items():
        for value in values:
            ssm.put_parameter(
                Name=names.parameter(path),
                Description="Restored from the copy of a vault",
                Type="String",
                Value=value,
                Overwrite=True,
            )
    return sum(map(len, missing.values()))


def _missing(ssm: Any, parameter: str, values: Sequence[str]) -> Sequence[str]:
    present = _values(ssm, parameter)
    # Restored before, and continued since.
    if present[: len(values)] == list(values):
        return ()
    if present == list(values[: len(present)]):
        return values[len(present) :]
    raise VectoraError(
        f"SSM parameter {parameter} has records of its own, which are not those of the snapshot: the environment was "
        "in use before. Restore into a new account, or delete the parameter if it is not needed."
    )


def _values(ssm: Any, parameter: str) -> list[str]:
    try:
        pages = ssm.get_paginator("get_parameter_history").paginate(Name=parameter)
        found = [each for page in pages for each in page["Parameters"]]
    except ClientError as error:
        if is_absent(error, "parameter"):
            return []
        raise
    return [each["Value"] for each in sorted(found, key=lambda value: int(value["Version"]))]
