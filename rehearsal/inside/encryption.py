"""Permissions for KMS keys of objects, also for keys of another account."""

from __future__ import annotations

import http
from typing import Any

from ministack.core.responses import get_account_id, get_region, request_scope  # type: ignore[import-not-found]
from ministack.services import iam, kms, s3  # type: ignore[import-not-found]

from rehearsal.inside import permissions
from rehearsal.inside.wrapping import Answer, wrap

KEY_HEADER = "x-amz-server-side-encryption-aws-kms-key-id"
DECRYPT, GENERATE = "kms:Decrypt", "kms:GenerateDataKey"


def _key_policy(original: Any, arn: str) -> Any:
    """Return the policy and owner of a key in any account and region: its ARN names both."""
    parts = arn.split(":")
    if len(parts) < 6 or not parts[4]:
        return original(arn)
    with request_scope(parts[4], parts[3]):
        return original(arn)


def _is_granted(action: str, key: str) -> bool:
    """Return whether a grant without constraints allows the caller (KMS developer guide, "Grants in AWS KMS")."""
    arn = permissions.caller_arn(get_account_id())
    account, name = arn.split(":")[4], arn.split("/")[1] if ":assumed-role/" in arn else ""
    role = iam._roles.get_scoped(account, None, name) if name else None
    grantees = {arn, str(role["Arn"]) if role else arn}
    with request_scope(key.split(":")[4], key.split(":")[3]):
        return any(
            grant["KeyId"] == key
            and grant["GranteePrincipal"] in grantees
            and action.partition(":")[2] in grant["Operations"]
            and not grant.get("Constraints")
            for grant in kms._grants.values()
        )


def _denial(action: str, key: str, bucket: str, path: str, headers: dict[str, str]) -> Answer | None:
    """Return the refusal of a caller who may not use the key through S3 (S3 user guide, "Using SSE-KMS")."""
    if not key.startswith("arn:"):
        key = f"arn:aws:kms:{get_region()}:{get_account_id()}:key/{key}"
    context = {
        "kms:ViaService": f"s3.{get_region()}.amazonaws.com",
        "kms:CallerAccount": get_account_id(),
        "kms:EncryptionContext:aws:s3:arn": f"arn:aws:s3:::{bucket}/{path}",
    }
    denial = permissions.caller_denial(action, key, context)
    if denial is None or (denial.decision != "Deny" and _is_granted(action, key)):
        return None
    return permissions.denied_answer("s3", action, key, denial, headers)


async def _check_keys(
    original: Any, method: str, path: str, headers: dict[str, str], *rest: Any, **named: Any
) -> Answer:
    """Refuse to write an object without permission to encrypt it, and to read one without permission to decrypt it."""
    caller, region = get_account_id(), get_region()
    bucket, key = s3._parse_bucket_key(path, headers)
    written = _key_of_write(bucket, headers) if key and method in ("PUT", "POST") else None
    refusal = _denial(GENERATE, written, bucket, key, headers) if written else None
    if refusal is not None:
        return refusal
    answer: Answer = await original(method, path, headers, *rest, **named)
    used = {name.lower(): value for name, value in answer[1].items()}.get(KEY_HEADER)
    if key and method == "GET" and used and answer[0] in (http.HTTPStatus.OK, http.HTTPStatus.PARTIAL_CONTENT):
        # The handler may have switched to the account of the bucket's owner.
        with request_scope(caller, region):
            return _denial(DECRYPT, used, bucket, key, headers) or answer
    return answer


def _key_of_write(bucket: str, headers: dict[str, str]) -> str | None:
    if used := headers.get(KEY_HEADER):
        return used
    owner = s3._bucket_owner_account(bucket)
    if owner is None or headers.get("x-amz-server-side-encryption"):
        return None
    with request_scope(owner, get_region()):
        found = s3._bucket_default_sse_headers(bucket).get(KEY_HEADER)
    return str(found) if found else None


def register() -> None:
    """Check keys of objects, and find keys by their ARN."""
    wrap(kms, "key_policy_for_arn", _key_policy)
    wrap(s3, "handle_request", _check_keys)
