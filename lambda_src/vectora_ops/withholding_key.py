"""Key of the digests that snapshots hold instead of values of unknown variables."""

from __future__ import annotations

import os
import secrets

from botocore.exceptions import ClientError

from vectora_ops.account import Account
from vectora_ops.names import WITHHOLDING_KEY, Names
from vectora_ops.remote import run_remotely
from vectora_shared.aws_errors import error_code, is_absent

KEY_BYTES = 32


def withholding_key(account: Account, names: Names) -> bytes:
    """Return the environment's key; function promotion creates it when there is none yet."""
    if (found := _read(account, names)) is None:
        # The function must not wait for another invocation of itself, and has no permission to.
        if os.environ.get("AWS_LAMBDA_FUNCTION_NAME") == names.function("promotion"):
            create_key(account, names)
        else:
            run_remotely(account, names, "promotion", {"operation": "create-key"}, lambda count: None)
        found = _read(account, names)
    return (found or "").encode("ascii")


def create_key(account: Account, names: Names) -> None:
    """Create the environment's key, which is never replaced: all digests would change."""
    try:
        account.client("ssm").put_parameter(
            Name=names.parameter(WITHHOLDING_KEY),
            Description="Key of the digests of values that snapshots withhold",
            Type="SecureString",
            Value=secrets.token_hex(KEY_BYTES),
            Overwrite=False,
        )
    except ClientError as error:
        if error_code(error) != "ParameterAlreadyExists":
            raise


def _read(account: Account, names: Names) -> str | None:
    try:
        answer = account.client("ssm").get_parameter(Name=names.parameter(WITHHOLDING_KEY), WithDecryption=True)
    except ClientError as error:
        if is_absent(error, "parameter"):
            return None
        raise
    return str(answer["Parameter"]["Value"])
