"""Data of old ids copied to the stable id: compared and repeatable, with nothing overwritten or deleted."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from typer.testing import Result

from cli.client import migrate
from cli.target import Target
from client_files.migration.move_data import MovedFrom, move_data
from vectora_ops.names import Names
from vectora_shared.errors import VectoraError

NAMES = Names("vectora-inbox", "dev")
DATA, LETTERS = NAMES.bucket("data"), NAMES.bucket("newsletters")
OLD = Path(__file__).parent / "old"
OBJECTS = {
    (DATA, "ingested/lai_weekly_v6/2026/01/28/items.json"): b"six",
    (DATA, "curated/lai_weekly_v6/2026/01/28/items.json"): b"six curated",
    (LETTERS, "lai_weekly_v6/2026/01/28/newsletter.md"): b"# six",
    (DATA, "ingested/lai_weekly_v5/2026/01/28/items.json"): b"five",
    (DATA, "ingested/lai_weekly_v5/2025/12/22/items.json"): b"five alone",
    (DATA, "ingested/lai_weekly_v5_test/2025/12/22/items.json"): b"of another client",
    (LETTERS, "lai_weekly_v5/2025/12/22/newsletter.md"): b"",
}


class FakeS3:
    """S3 with objects in memory; the copy number `fails_at` fails."""

    def __init__(self, objects: dict[tuple[str, str], bytes], buckets: tuple[str, ...] = (DATA, LETTERS)) -> None:
        self.objects = dict(objects)
        self.buckets = buckets
        self.copies = 0
        self.fails_at: int | None = None
        self.damages = False
        self.overtaken_by: bytes | None = None

    def get_paginator(self, _operation: str) -> FakeS3:
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> Iterator[dict[str, Any]]:  # noqa: N803
        if Bucket not in self.buckets:
            raise refused("NoSuchBucket")
        for bucket, key in sorted(self.objects):
            if bucket == Bucket and key.startswith(Prefix):
                yield {"Contents": [{"Key": key}]}
        yield {}

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        if (Bucket, Key) not in self.objects:
            raise refused("NoSuchKey")
        body = self.objects[Bucket, Key]
        return {"Body": io.BytesIO(body), "ETag": f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'}

    def copy_object(self, *, Bucket: str, Key: str, CopySource: dict[str, str], **conditions: str) -> None:  # noqa: N803
        self.copies += 1
        if self.copies == self.fails_at:
            raise refused("RequestTimeout")
        if self.overtaken_by is not None:
            self.objects.setdefault((Bucket, Key), self.overtaken_by)
        assert conditions["IfNoneMatch"] == "*"
        if (Bucket, Key) in self.objects:
            raise refused("PreconditionFailed")
        body = self.objects[CopySource["Bucket"], CopySource["Key"]]
        self.objects[Bucket, Key] = body[:-1] if self.damages else body


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, "Operation")


def move(s3: Any, *, dry_run: bool = False) -> dict[str, MovedFrom]:
    ids = ["lai_weekly_v6", "lai_weekly_v5"]
    moved = move_data(s3, NAMES, ids, "lai_weekly", dry_run=dry_run, progress=lambda done, total: None)
    return {each.old_id: each for each in moved}


def counts(moved: dict[str, MovedFrom]) -> dict[str, tuple[int, int, int]]:
    return {old_id: (each.copied, each.already, len(each.left)) for old_id, each in moved.items()}


def test_items_and_newsletters_are_copied_and_the_higher_version_takes_precedence() -> None:
    s3 = FakeS3(OBJECTS)
    moved = move(s3)
    assert counts(moved) == {"lai_weekly_v6": (3, 0, 0), "lai_weekly_v5": (2, 0, 1)}
    assert {key: body for key, body in s3.objects.items() if key not in OBJECTS} == {
        (DATA, "ingested/lai_weekly/2026/01/28/items.json"): b"six",
        (DATA, "curated/lai_weekly/2026/01/28/items.json"): b"six curated",
        (DATA, "ingested/lai_weekly/2025/12/22/items.json"): b"five alone",
        (LETTERS, "lai_weekly/2026/01/28/newsletter.md"): b"# six",
        (LETTERS, "lai_weekly/2025/12/22/newsletter.md"): b"",
    }
    assert OBJECTS.items() <= s3.objects.items()
    left = moved["lai_weekly_v5"].left[0]
    assert left.source == "ingested/lai_weekly_v5/2026/01/28/items.json"
    assert left.reason.startswith("lai_weekly_v6 has one for the same day")


def test_a_repeated_copy_copies_nothing() -> None:
    s3 = FakeS3(OBJECTS)
    move(s3)
    before = dict(s3.objects)
    assert counts(move(s3)) == {"lai_weekly_v6": (0, 3, 0), "lai_weekly_v5": (0, 2, 1)}
    assert s3.objects == before


def test_other_content_at_the_target_is_kept_and_reported() -> None:
    target = (DATA, "ingested/lai_weekly/2026/01/28/items.json")
    s3 = FakeS3({**OBJECTS, target: b"newer"})
    moved = move(s3)
    assert s3.objects[target] == b"newer"
    assert "never overwritten" in moved["lai_weekly_v6"].left[0].reason


def test_content_written_to_the_target_meanwhile_is_kept() -> None:
    s3 = FakeS3(OBJECTS)
    s3.overtaken_by = b"written by a run"
    moved = move(s3)
    assert counts(moved)["lai_weekly_v6"] == (0, 0, 3)
    assert set(s3.objects.values()) >= {b"written by a run"}


@pytest.mark.parametrize("stop", range(1, 6))
def test_an_interrupted_copy_is_completed_by_the_next(stop: int) -> None:
    s3 = FakeS3(OBJECTS)
    s3.fails_at = stop
    with pytest.raises(ClientError):
        move(s3)
    s3.fails_at = None
    moved = move(s3)
    assert sum(each.copied + each.already for each in moved.values()) == 5
    assert len(s3.objects) == len(OBJECTS) + 5


def test_a_dry_run_counts_and_copies_nothing() -> None:
    s3 = FakeS3(OBJECTS)
    assert counts(move(s3, dry_run=True)) == {"lai_weekly_v6": (3, 0, 0), "lai_weekly_v5": (2, 0, 1)}
    assert s3.objects == OBJECTS


def test_a_copy_that_differs_from_its_source_is_an_error() -> None:
    s3 = FakeS3(OBJECTS)
    s3.damages = True
    with pytest.raises(VectoraError, match="is not an exact copy of"):
        move(s3)


def test_a_missing_bucket_is_reported_in_one_sentence() -> None:
    with pytest.raises(VectoraError, match=f"There is no bucket {DATA}: "):
        move(FakeS3({}, buckets=()))


@pytest.fixture
def s3_of_dev(monkeypatch: pytest.MonkeyPatch) -> FakeS3:
    fake = FakeS3(OBJECTS)

    class FakeAccount:
        def client(self, service: str) -> FakeS3:
            assert service == "s3"
            return fake

    monkeypatch.setattr(migrate, "open_target", lambda env: Target(None, NAMES, FakeAccount()))  # type: ignore[arg-type]
    return fake


def test_data_is_copied_for_a_file_that_was_migrated_before(
    run: Callable[..., Result], config: Path, s3_of_dev: FakeS3
) -> None:
    file = config / "clients" / "lai_weekly.yaml"
    before = file.read_bytes()
    arguments = ("migrate", OLD / "lai_weekly_v6.yaml", "--env", "dev", "--move-data")
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    assert "already exists and is kept; only data is copied" in result.output
    assert "lai_weekly_v6 in dev: 3 objects copied to lai_weekly, 0 already there, 0 not copied." in result.output
    assert "Every copy was compared with its source" in result.output
    assert file.read_bytes() == before
    assert "Nothing to copy: lai_weekly already has every object." in run(*arguments).output


def test_files_and_data_can_be_migrated_together(run: Callable[..., Result], config: Path, s3_of_dev: FakeS3) -> None:
    (config / "clients" / "lai_weekly.yaml").unlink()
    result = run("migrate", OLD / "lai_weekly_v6.yaml", "--env", "dev", "--move-data")
    assert result.exit_code == 0, result.output
    assert (config / "clients" / "lai_weekly.yaml").is_file()
    assert len(s3_of_dev.objects) == len(OBJECTS) + 3


def test_an_unknown_environment_is_reported_in_one_sentence(run: Callable[..., Result], config: Path) -> None:
    result = run("migrate", OLD / "lai_weekly_v6.yaml", "--env", "moon", "--move-data")
    assert result.exit_code == 2
    assert "moon" in result.output
    assert len(result.output.strip().splitlines()) == 1
