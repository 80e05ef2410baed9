"""Buckets and vault of an environment on a local AWS, with the number of newsletters that a measurement needs."""

from __future__ import annotations

import os
import random
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import boto3

from benchmarks.fast_s3.running import FastS3
from rehearsal.certificates import Authority
from rehearsal.emulator import ACCOUNT, Emulator, root_user
from rehearsal.promotion_in_process import with_promotion
from vectora_ops.account import Account
from vectora_ops.names import Names

ROOT = Path(__file__).resolve().parent.parent
EMULATOR_PYTHON = ROOT / ".venv-emulator" / "bin" / "python"
PEERS = ROOT / ".venv-bench" / "bin"
REGION = "eu-west-3"
NAMES = Names(project="vectora-inbox", env="dev")
NEWSLETTERS = NAMES.bucket("newsletters")


def write_files(folder: Path, first: int, last: int, size: int) -> None:
    """Write newsletters number `first` to `last`, each of `size` incompressible bytes."""
    for number in range(first, last):
        name = f"{number // 1000:04}-{number % 1000:03}.json"
        (folder / name).write_bytes(random.Random(number).randbytes(size))  # noqa: S311


@dataclass(frozen=True)
class Storage:
    """The local AWS; `environment` are the variables with which s5cmd and the AWS CLI reach it."""

    account: Account
    endpoint: str
    environment: dict[str, str]

    def create_bucket(self, name: str) -> None:
        """Create a bucket."""
        location = {"LocationConstraint": REGION}
        self.account.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration=location)

    def count(self, bucket: str) -> int:
        """List a bucket and return the number of its objects."""
        pages = self.account.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return sum(len(page.get("Contents", [])) for page in pages)

    def fill(self, first: int, last: int, size: int) -> None:
        """Upload newsletters number `first` to `last`, each of `size` incompressible bytes."""
        with tempfile.TemporaryDirectory() as folder:
            write_files(Path(folder), first, last, size)
            self.s5cmd("cp", f"{folder}/", f"s3://{NEWSLETTERS}/lai_weekly/")

    def change(self, count: int, size: int) -> None:
        """Replace some of the newsletters."""
        for number in range(count):
            key = f"lai_weekly/{number:04}-007.json"
            self.account.client("s3").put_object(Bucket=NEWSLETTERS, Key=key, Body=os.urandom(size))

    def empty_the_vault(self) -> None:
        """Delete all objects of the vault."""
        s3, vault = self.account.client("s3"), NAMES.bucket("snapshots")
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=vault):
            for each in (*page.get("Versions", []), *page.get("DeleteMarkers", [])):
                s3.delete_object(
                    Bucket=vault, Key=each["Key"], VersionId=each["VersionId"], BypassGovernanceRetention=True
                )

    def s5cmd(self, *arguments: str) -> None:
        """Run s5cmd."""
        run([str(PEERS / "s5cmd"), "--log", "error", "--endpoint-url", self.endpoint, *arguments], self.environment)

    def aws(self, *arguments: str) -> None:
        """Run the AWS CLI."""
        run([str(PEERS / "aws"), *arguments], self.environment)


@contextmanager
def storage() -> Iterator[Storage]:
    """Start a local AWS with empty buckets, with plain HTTP and no proxy, because these would be measured instead."""
    with _emulator() as emulator, mock.patch.dict(os.environ, {"AWS_ENDPOINT_URL": emulator.endpoint}):
        yield _with_buckets(emulator, emulator.endpoint)


@contextmanager
def fast_storage() -> Iterator[tuple[Storage, FastS3]]:
    """Start a local AWS whose S3 is the fast stand-in, with empty buckets."""
    root = root_user(ACCOUNT)
    with _emulator() as emulator, FastS3(REGION, root.key, root.secret) as fast:
        endpoints = {"AWS_ENDPOINT_URL": emulator.endpoint, "AWS_ENDPOINT_URL_S3": fast.endpoint}
        with mock.patch.dict(os.environ, endpoints):
            yield _with_buckets(emulator, fast.endpoint), fast


def _emulator() -> Emulator:
    return Emulator(EMULATOR_PYTHON, Authority(), region=REGION, enforce_iam=False)


def _with_buckets(emulator: Emulator, endpoint: str) -> Storage:
    root = root_user(ACCOUNT)
    session = boto3.Session(root.key, root.secret, region_name=REGION)
    account = with_promotion(Account(ACCOUNT, REGION, session), NAMES)
    found = Storage(account, endpoint, {**os.environ, **emulator.environment(root)})
    s3 = account.client("s3")
    for content in ("config", "data", "newsletters", "snapshots"):
        found.create_bucket(NAMES.bucket(content))
        s3.put_bucket_versioning(Bucket=NAMES.bucket(content), VersioningConfiguration={"Status": "Enabled"})
    rule = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}
    s3.put_object_lock_configuration(
        Bucket=NAMES.bucket("snapshots"),
        ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule},
    )
    return found


def run(command: list[str], environment: dict[str, str]) -> str:
    """Run a command and return its output; raise RuntimeError with its errors when it fails."""
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        raise RuntimeError(f"{Path(command[0]).name} failed: {(done.stderr or done.stdout)[-2000:]}")
    return done.stdout
