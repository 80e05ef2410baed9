"""Key of the digests that snapshots hold instead of values of unknown variables."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

from botocore.exceptions import ClientError

from vectora_ops.account import Account
from vectora_ops.names import WITHHOLDING_KEY, Names
from vectora_ops.remote import run_remotely
from vectora_shared.aws_errors import error_code, is_absent
from vectora_shared.errors import VectoraError

KEY_BYTES = 32
# A parameter may be read as it was a moment ago.
READS, READ_PAUSE_SECONDS = 4, 1.0


def withholding_key(account: Account, names: Names) -> bytes:
    """Return the environment's key; function promotion creates it when there is none yet."""
    return _key(account, names, _ask_for_key)


def own_withholding_key(account: Account, names: Names) -> bytes:
    """Return the environment's key, or create it here: only function promotion may, and it may not invoke itself."""
    return _key(account, names, create_key)


def _key(account: Account, names: Names, create: Callable[[Account, Names], None]) -> bytes:
    found = _read(account, names)
    if found is None:
        create(account, names)
        found = _settled(account, names)
    return found.encode("ascii")


def _ask_for_key(account: Account, names: Names) -> None:
    run_remotely(account, names, "promotion", {"operation": "create-key"}, lambda count: None)


def _settled(account: Account, names: Names) -> str:
    """Return a key that was created a moment ago; without it, digests would differ from all others."""
    for pause in (0.0, *[READ_PAUSE_SECONDS] * (READS - 1)):
        time.sleep(pause)
        if (found := _read(account, names)) is not None:
            return found
    raise VectoraError(f"Parameter {names.parameter(WITHHOLDING_KEY)} was created and cannot be read yet: try again.")


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
