"""The stand-in as a process of its own, for as long as a context lasts."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.fast_s3.messages import Usage

ROOT = Path(__file__).resolve().parent.parent.parent


class FastS3:
    """A running stand-in with one key and its secret."""

    def __init__(self, region: str, key: str, secret: str) -> None:
        self._arguments = (region, key, secret)

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "benchmarks.fast_s3.server", *self._arguments]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="ascii"
        )
        assert self._process.stdout is not None  # noqa: S101
        port = self._process.stdout.readline().strip()
        if not port:
            raise RuntimeError("The stand-in for S3 did not start: see its errors above.")
        self.endpoint = f"http://127.0.0.1:{port}"
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.communicate()

    def set_latency(self, milliseconds: int) -> None:
        """Delay every answer from now on."""
        self._control(f"latency/{milliseconds}")

    def reset(self) -> None:
        """Count from zero again."""
        self._control("reset")

    def usage(self) -> Usage:
        """Return the counted requests."""
        return Usage(operations=self._control("usage")["operations"])

    def _control(self, command: str) -> dict[str, dict[str, int]]:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{self.endpoint}/-/{command}", timeout=30) as answer:
            found: dict[str, dict[str, int]] = json.load(answer)
            return found
