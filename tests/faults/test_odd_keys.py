"""Objects come back under their keys, whatever these are: S3 takes any Unicode text of 1 to 1,024 bytes."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cli.snapshot.drill import SCRATCH, rehearse_restore
from rehearsal.emulator import ACCOUNT, Emulator
from rehearsal.promotion_in_process import with_promotion
from tests.faults.operations import back_to, differences, take
from tests.faults.small_environment import NAMES, REGION, SmallEnvironment
from vectora_ops.account import Account
from vectora_ops.snapshots.object_store import CHUNK_BYTES
from vectora_ops.snapshots.vault import Vault
from vectora_ops.snapshots.verify import verify_snapshot

BUCKET = NAMES.bucket("newsletters")
ODD_KEYS = (
    "a b",
    " leading and trailing ",
    "a+b",
    "100%",
    "a%2Fb",
    "a?b=c&d",
    "a#b",
    "a//b",
    "/leading",
    "trailing/",
    "folder/",
    "folder/file",
    "a/../b",
    "a/./b",
    "..",
    ".",
    "caf\u00e9",  # the same text in two forms
    "cafe\u0301",
    "\U0001f600",
    "Case",
    "case",
    "a\tb\nc\rd",
    "\x01\x1f\x7f",
    "\x85\u2028\ufeff\ufffe\uffff",
    '<a href=\'"&amp;">]]>',
    "a\\b",
    "k" * 1024,
    "\u20ac" * 341,
    "~!@$^*()_-={}[]|:;,`",
)
ANY_KEY = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=256)
KEYS = ANY_KEY | st.sampled_from(ODD_KEYS)


def content(s3: Any) -> dict[str, bytes]:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
    keys = [found["Key"] for page in pages for found in page.get("Contents", [])]
    return {key: s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in keys}


def comes_back(account: Account, kept: list[str], added: list[str]) -> None:
    """Take a snapshot of objects with these keys, replace, delete and add some, and go back."""
    s3 = account.client("s3")
    for number, key in enumerate(kept):
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"x" * (number % 3), Metadata={"number": str(number)})
    before = content(s3)
    good = take(account)
    for number, key in enumerate(kept):
        if number % 2:
            s3.put_object(Bucket=BUCKET, Key=key, Body=b"changed")
        else:
            s3.delete_object(Bucket=BUCKET, Key=key)
    for key in added:
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"added")

    back_to(account, good)

    assert content(s3) == before
    assert verify_snapshot(Vault(account, NAMES), good.name).intact
    assert list(differences(account, good)) == []


def test_objects_with_odd_keys_come_back(small: SmallEnvironment) -> None:
    comes_back(small.account, list(ODD_KEYS), [f"new{key}"[:300] for key in ODD_KEYS])


def test_a_restore_of_objects_with_odd_keys_can_be_rehearsed(small: SmallEnvironment) -> None:
    s3 = small.account.client("s3")
    for key in ODD_KEYS:
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"x", CacheControl="no-store", Tagging="a=b")
    good = take(small.account)

    assert rehearse_restore(small.account, NAMES, good.name).problems == ()
    scratch = s3.list_object_versions(Bucket=NAMES.bucket("data"), Prefix=SCRATCH)
    assert not scratch.get("Versions")
    assert not scratch.get("DeleteMarkers")


def test_a_folder_marker_with_a_body_and_a_large_object_with_an_odd_key_come_back(small: SmallEnvironment) -> None:
    s3 = small.account.client("s3")
    s3.put_object(Bucket=BUCKET, Key="folder/", Body=b"has a body")
    s3.put_object(Bucket=BUCKET, Key="a b+c%/\u00e9?#", Body=b"x" * (CHUNK_BYTES + 1))
    before = content(s3)
    good = take(small.account)
    for key in before:
        s3.delete_object(Bucket=BUCKET, Key=key)

    back_to(small.account, good)

    assert content(s3) == before


@settings(deadline=None, max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(ANY_KEY | st.sampled_from(ODD_KEYS), min_size=1, max_size=8, unique=True), st.lists(ANY_KEY, max_size=4)
)
def test_objects_with_any_keys_come_back(emulator: Emulator, kept: list[str], added: list[str]) -> None:
    emulator.reset()
    small = SmallEnvironment.build(with_promotion(Account(ACCOUNT, REGION, emulator.session()), NAMES))
    excluded = ("canary/", "_drafts/", "_deliveries/")
    comes_back(small.account, [k for k in kept if not k.startswith(excluded)], [k for k in added if k not in kept])
