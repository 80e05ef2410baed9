"""First snapshot of 10,000 objects on a fast S3, against tools that copy or back up the same objects."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks.fast_s3.messages import Usage
from benchmarks.fast_s3.running import FastS3
from benchmarks.figure import Figure
from benchmarks.snapshots import OBJECT_BYTES, OBJECTS, snapshot_of_all
from benchmarks.storage import NEWSLETTERS, REGION, Storage, fast_storage, run, write_files

# Rounds by latency in milliseconds. S3 answers within 20 ms or so inside its region; that latency has the limits.
ROUNDS = {0: 1, 20: 3, 80: 1}
# Limits of the time against s5cmd, which copies inside S3 with 256 connections and reads no byte.
AGAINST_S5CMD = {0: 5.0, 20: 3.0, 80: 8.0}
AGAINST_RCLONE = 1.0
SHARE_OF_DOLLARS = 0.1
SNAPSHOT, S5CMD, SYNC, RCLONE, RESTIC = "snapshot", "s5cmd", "aws s3 sync", "rclone", "restic"


@dataclass
class Measured:
    """Runs of one tool at one latency."""

    seconds: list[float] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)

    def __str__(self) -> str:
        return f"{median(self.seconds):.1f} s, {self.usage.requests:,} requests, ${self.usage.dollars:.4f}"


def peer_figures() -> list[Figure]:
    """Measure all tools in turns at each latency."""
    figures: list[Figure] = []
    with fast_storage() as (there, fast), tempfile.TemporaryDirectory() as folder:
        files = Path(folder) / "files"
        files.mkdir()
        write_files(files, 0, OBJECTS, OBJECT_BYTES)
        there.s5cmd("cp", f"{files}/", f"s3://{NEWSLETTERS}/lai_weekly/")
        peers = _Peers(there, files, Path(folder))
        for latency, rounds in ROUNDS.items():
            figures += _figures(latency, _measured(there, fast, peers, latency, rounds))
    return figures


def _measured(there: Storage, fast: FastS3, peers: _Peers, latency: int, rounds: int) -> dict[str, Measured]:
    found: dict[str, Measured] = {}
    for number in range(rounds):
        label = f"{latency}-{number}"
        for name, prepare, work in peers.all(label):
            prepare()
            fast.reset()
            with _delayed(fast, latency):
                start = time.perf_counter()
                work()
                seconds = time.perf_counter() - start
            found.setdefault(name, Measured()).seconds.append(seconds)
            found[name].usage = fast.usage()
        peers.check(label)
        there.empty_the_vault()
    return found


@contextmanager
def _delayed(fast: FastS3, latency: int) -> Iterator[None]:
    fast.set_latency(latency)
    try:
        yield
    finally:
        fast.set_latency(0)


def _figures(latency: int, found: dict[str, Measured]) -> list[Figure]:
    snapshot, s5cmd = found[SNAPSHOT], found[S5CMD]
    absent = [f"{name} is not installed" for name in (RCLONE, RESTIC) if name not in found]
    shown = "; ".join([f"{name} {measured}" for name, measured in found.items()] + absent)
    what = f"first snapshot at {latency} ms"
    taken = median(snapshot.seconds)
    figures = [
        Figure(f"{what}, against s5cmd", taken / median(s5cmd.seconds), "x", AGAINST_S5CMD[latency], shown),
        Figure(
            f"{what}, request cost against s5cmd",
            snapshot.usage.dollars / s5cmd.usage.dollars,
            "x",
            SHARE_OF_DOLLARS,
            shown,
        ),
    ]
    if latency == 20 and RCLONE in found:
        ratio = taken / median(found[RCLONE].seconds)
        figures.append(Figure(f"{what}, against rclone with 64 transfers", ratio, "x", AGAINST_RCLONE, shown))
    return figures


@dataclass
class _Peers:
    """The tools; `files` are the objects on a disk, which restic backs up because it does not read from S3."""

    there: Storage
    files: Path
    scratch: Path

    def all(self, label: str) -> Iterator[tuple[str, Callable[[], object], Callable[[], object]]]:
        """Yield the name of each installed tool, with what it needs before, and what is measured."""
        source = f"s3://{NEWSLETTERS}"
        for name, bucket, arguments in (
            (S5CMD, f"by-s5cmd-{label}", ("cp", f"{source}/*")),
            (SYNC, f"by-sync-{label}", ("s3", "sync", "--quiet", f"{source}/")),
        ):
            tool = self.there.s5cmd if name == S5CMD else self.there.aws
            yield name, self._bucket(bucket), _call(tool, *arguments, f"s3://{bucket}/")
        yield SNAPSHOT, lambda: None, lambda: snapshot_of_all(self.there, f"first{label}")
        if shutil.which(RCLONE):
            yield RCLONE, self._bucket(f"by-rclone-{label}"), lambda: self._rclone(f"by-rclone-{label}")
        if shutil.which(RESTIC):
            repository = f"s3:{self.there.endpoint}/by-restic-{label}"
            yield RESTIC, lambda: self._restic(repository, "init"), lambda: self._restic(repository, "backup")

    def check(self, label: str) -> None:
        """Raise RuntimeError when a copy is not complete."""
        for tool in ("s5cmd", "sync", *([RCLONE] if shutil.which(RCLONE) else [])):
            if self.there.count(f"by-{tool}-{label}") != OBJECTS:
                raise RuntimeError(f"{tool} did not copy {OBJECTS:,} objects: the figure would be invalid.")

    def _bucket(self, name: str) -> Callable[[], object]:
        return lambda: self.there.create_bucket(name)

    def _rclone(self, bucket: str) -> None:
        # rclone refuses to start with a bundle of certificates of AWS's SDK.
        inherited = {name: value for name, value in self.there.environment.items() if name != "AWS_CA_BUNDLE"}
        environment = {
            **inherited,
            "RCLONE_CONFIG": os.devnull,
            "RCLONE_CONFIG_FAST_TYPE": "s3",
            "RCLONE_CONFIG_FAST_PROVIDER": "Other",
            "RCLONE_CONFIG_FAST_ENV_AUTH": "true",
            "RCLONE_CONFIG_FAST_ENDPOINT": self.there.endpoint,
            "RCLONE_CONFIG_FAST_REGION": REGION,
        }
        many = ("--transfers", "64", "--checkers", "64", "--s3-no-check-bucket")
        run([RCLONE, "copy", *many, f"fast:{NEWSLETTERS}", f"fast:{bucket}"], environment)

    def _restic(self, repository: str, command: str) -> None:
        environment = {**self.there.environment, "RESTIC_PASSWORD": "bench", "HOME": str(self.scratch)}
        given = [str(self.files)] if command == "backup" else []
        options = ["--quiet", "--no-cache", "-o", "s3.bucket-lookup=path", "-o", "s3.connections=64"]
        run([RESTIC, "-r", repository, *options, command, *given], environment)


def _call(tool: Callable[..., None], *arguments: str) -> Callable[[], object]:
    return lambda: tool(*arguments)
