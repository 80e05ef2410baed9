"""Objects come back with headers, user metadata, tags and storage class; a difference in one of them is seen."""

from __future__ import annotations

from typing import Any

import pytest

from tests.faults.operations import back_to, differences, take
from tests.faults.small_environment import NAMES, SmallEnvironment
from vectora_ops.account import Account
from vectora_ops.snapshots import bucket_source
from vectora_ops.snapshots.compare import between_snapshots
from vectora_ops.snapshots.manifest import Manifest
from vectora_ops.snapshots.object_store import CHUNK_BYTES
from vectora_ops.snapshots.vault import Vault
from vectora_ops.snapshots.verify import verify_snapshot

BUCKET = NAMES.bucket("newsletters")
KEY = "lai_weekly/2026/01/06/newsletter.html"
PATH = ("newsletters", KEY)
BODY = b"\x1f\x8b not read as text"
TAGS = {"keep": "yes", "é+&": " = ü"}
GIVEN: dict[str, Any] = {
    "Bucket": BUCKET,
    "Key": KEY,
    "Body": BODY,
    "ContentType": "text/html; charset=utf-8",
    "ContentEncoding": "gzip",
    "CacheControl": "max-age=60",
    "ContentDisposition": 'attachment; filename="a b.html"',
    "ContentLanguage": "fr",
    "Expires": "Thu, 01 Dec 2033 16:00:00 GMT",
    "WebsiteRedirectLocation": "/elsewhere",
    # The form in which S3 returns text beyond ASCII (S3 user guide, "Working with object metadata").
    "Metadata": {"sent": "yes", "title": "=?UTF-8?B?w6k=?=", "empty": ""},
    "Tagging": "keep=yes&%C3%A9%2B%26=%20%3D%20%C3%BC",
    "StorageClass": "STANDARD_IA",
}
OTHERS: dict[str, dict[str, Any]] = {
    "content type": {"ContentType": "application/octet-stream"},
    "content encoding": {"ContentEncoding": "identity"},
    "cache": {"CacheControl": "no-store"},
    "file name": {"ContentDisposition": "inline"},
    "language": {"ContentLanguage": "sv"},
    "expiry": {"Expires": "Thu, 02 Dec 2033 16:00:00 GMT"},
    "redirect": {"WebsiteRedirectLocation": "/other"},
    "other metadata": {"Metadata": {**GIVEN["Metadata"], "sent": "no"}},
    "more metadata": {"Metadata": {**GIVEN["Metadata"], "new": "1"}},
    "no metadata": {"Metadata": {}},
    "storage class": {"StorageClass": "STANDARD"},
    "tags": {"Tagging": "keep=no"},
}


@pytest.fixture
def s3(small: SmallEnvironment) -> Any:
    return small.account.client("s3")


def described(s3: Any, key: str = KEY) -> dict[str, Any]:
    """Return the bytes of an object with all that S3 says of it, but its time and version."""
    answer = s3.get_object(Bucket=BUCKET, Key=key)
    own = ("ContentType", "ContentEncoding", "CacheControl", "ContentDisposition", "ContentLanguage", "ExpiresString")
    names = (*own, "WebsiteRedirectLocation", "Metadata", "StorageClass")
    tags = {each["Key"]: each["Value"] for each in s3.get_object_tagging(Bucket=BUCKET, Key=key)["TagSet"]}
    return {**{name: answer.get(name) for name in names}, "body": answer["Body"].read(), "tags": tags}


def changes(account: Account, manifest: Manifest) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(each.path, each.kind, each.text) for each in differences(account, manifest)]


def test_a_deleted_object_comes_back_with_all_that_it_had(small: SmallEnvironment, s3: Any) -> None:
    s3.put_object(**GIVEN)
    before = described(s3)
    assert before["tags"] == TAGS
    good = take(small.account)
    s3.delete_object(Bucket=BUCKET, Key=KEY)

    back_to(small.account, good)

    assert described(s3) == before


@pytest.mark.parametrize("other", OTHERS)
def test_a_change_of_metadata_alone_is_seen_and_undone(small: SmallEnvironment, s3: Any, other: str) -> None:
    s3.put_object(**GIVEN)
    before = described(s3)
    good = take(small.account)
    s3.put_object(**{**GIVEN, **OTHERS[other]})
    changed = described(s3)
    assert changed != before
    later = take(small.account, "later")

    [(path, kind, text)] = changes(small.account, good)
    [between] = between_snapshots(Vault(small.account, NAMES), good, later)
    assert (path, kind) == (KEY, "changed")
    assert (between.component, between.path, between.text) == (*PATH, text)
    assert text
    assert {line[0] for line in text} <= {"-", "+"}

    back_to(small.account, good)
    assert described(s3) == before
    back_to(small.account, later)
    assert described(s3) == changed


@pytest.mark.parametrize(
    ("before", "after"), [({}, {"a": "1"}), ({"a": "1"}, {}), ({"a": "1"}, {"a": "2"}), ({"a": "1"}, {"b": "1"})]
)
def test_a_change_of_tags_without_a_new_version_is_seen_and_undone(
    small: SmallEnvironment, s3: Any, before: dict[str, str], after: dict[str, str]
) -> None:
    def tag(tags: dict[str, str]) -> None:
        tag_set = [{"Key": name, "Value": value} for name, value in tags.items()]
        s3.put_object_tagging(Bucket=BUCKET, Key=KEY, Tagging={"TagSet": tag_set})

    s3.put_object(Bucket=BUCKET, Key=KEY, Body=BODY)
    tag(before)
    good = take(small.account)
    tag(after)
    later = take(small.account, "later")

    assert [(path, kind) for path, kind, _ in changes(small.account, good)] == [(KEY, "changed")]
    assert changes(small.account, later) == []
    back_to(small.account, good)
    assert described(s3)["tags"] == before
    back_to(small.account, later)
    assert described(s3)["tags"] == after


def test_an_object_of_several_parts_comes_back_with_all_that_it_had(small: SmallEnvironment, s3: Any) -> None:
    # A report on the AWS CLI: copies in parts lost metadata (aws-cli issue 1145).
    s3.put_object(**{**GIVEN, "Body": b"x" * (CHUNK_BYTES + 1)})
    before = described(s3)
    good = take(small.account)
    s3.put_object(**{**GIVEN, "Body": b"y" * (CHUNK_BYTES + 1), "Metadata": {}, "Tagging": ""})

    back_to(small.account, good)

    assert described(s3) == before
    assert verify_snapshot(Vault(small.account, NAMES), good.name).intact


def test_only_some_tags_are_read_again_in_a_bucket_of_many_objects(
    small: SmallEnvironment, s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bucket_source, "ALL_TAGS_UP_TO", 2)
    for number in range(3):
        s3.put_object(Bucket=BUCKET, Key=f"{number}", Body=b"x", **({"Tagging": "a=1"} if number == 0 else {}))
    take(small.account, "first")
    for number in range(2):
        tags = {"TagSet": [{"Key": "a", "Value": "2"}]}
        s3.put_object_tagging(Bucket=BUCKET, Key=f"{number}", Tagging=tags)
    good = take(small.account)

    entries = {
        entry.path: entry.tags for entry, _ in Vault(small.account, NAMES).entries(good.components["newsletters"])
    }
    # A tag that was added to an object without one is not known, and not taken for absent.
    assert entries["0"] == {"a": "2"}
    assert entries["1"] is None
    assert changes(small.account, good) == []


def test_archived_objects_do_not_stop_a_snapshot_and_are_left_as_they_are(small: SmallEnvironment, s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key="old/archived.html", Body=b"cold", StorageClass="DEEP_ARCHIVE")
    s3.put_object(Bucket=BUCKET, Key="old/large.html", Body=b"x" * (CHUNK_BYTES + 1), StorageClass="GLACIER")
    good = take(small.account)
    again = take(small.account, "again")

    for manifest in (good, again):
        assert manifest.archived == 2
        assert verify_snapshot(Vault(small.account, NAMES), manifest.name).intact
        assert changes(small.account, manifest) == []
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=b"new")
    back_to(small.account, good)

    classes = {each["Key"]: each["StorageClass"] for each in s3.list_objects_v2(Bucket=BUCKET)["Contents"]}
    assert classes["old/archived.html"] == "DEEP_ARCHIVE"
    assert KEY not in classes


def test_an_object_that_was_archived_after_a_snapshot_keeps_its_bytes_in_the_vault(
    small: SmallEnvironment, s3: Any
) -> None:
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=BODY, StorageClass="STANDARD_IA")
    good = take(small.account)
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=BODY, StorageClass="GLACIER")

    [(path, kind, text)] = changes(small.account, good)
    assert (path, kind, text) == (KEY, "changed", ("-storage class: STANDARD_IA", "+storage class: GLACIER"))
    back_to(small.account, good)
    assert described(s3)["body"] == BODY
    assert described(s3)["StorageClass"] == "STANDARD_IA"
