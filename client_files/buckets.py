"""Keys in the buckets of an environment."""

from __future__ import annotations

from botocore.exceptions import ClientError

from vectora_shared.aws_errors import is_absent
from vectora_shared.errors import VectoraError
from vectora_shared.storage import Bucket


def keys_below(bucket: Bucket, prefix: str) -> list[str]:
    """Return the keys below a prefix; raise VectoraError when the bucket does not exist."""
    try:
        return bucket.keys(prefix)
    except ClientError as error:
        if not is_absent(error, "bucket"):
            raise
        raise VectoraError(f"There is no bucket {bucket.name}: deploy the environment first (cdk deploy).") from error
