"""Objects of the data bucket, read up to a limit."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.unit.conftest import MemoryS3
from vectora_shared.storage import Bucket


def test_only_the_first_bytes_of_an_object_are_read() -> None:
    s3: Any = MemoryS3()
    bucket = Bucket(s3, "data")
    bucket.write("long", b"0123456789", "text/plain")
    assert bucket.read("long", limit=4) == b"0123"
    assert bucket.read("long", limit=100) == b"0123456789"


def test_a_missing_object_is_none() -> None:
    s3: Any = MemoryS3()
    assert Bucket(s3, "data").read("missing", limit=4) is None


def test_a_refusal_is_raised() -> None:
    class Refusing:
        def get_object(self, **_request: Any) -> Any:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetObject")

    s3: Any = Refusing()
    with pytest.raises(ClientError):
        Bucket(s3, "data").read("key", limit=4)
