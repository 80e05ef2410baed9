"""Reading of article pages in a process of its own, which is ended when a page takes too long or too much memory."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from vectora_core.ingest.article import ArticleError, article_text
from vectora_core.ingest.fetch import Page

# Measured on one core: an ordinary page takes 0.01 s and 80 MB; the worst known pages take minutes and 400 MB. The
# function has about half a core (1,024 MB of the 1,769 MB of a whole one; Lambda developer guide, memory).
SECONDS_TO_START = 30.0
SECONDS_PER_PAGE = 10.0
MEMORY_BYTES = 225_000_000  # beyond what the process has when it starts
_READY = b"ready\n"
# Lambda's Python finds its own library by LD_LIBRARY_PATH (Lambda developer guide, "Defined runtime environment
# variables"). All others are withheld: the function's credentials are among them.
_INHERITED_VARIABLES = ("LANG", "LD_LIBRARY_PATH", "PATH", "TZ")


class ArticleProcess:
    """The process, as a context manager; it starts with the first page, and again after one that ended it.

    A process, because Python cannot end a thread. Not `multiprocessing`: it would import Lambda's main module again,
    and its queues need shared memory, which Lambda does not have (AWS Compute Blog, "Parallel Processing in Python
    with AWS Lambda"). Pages are read one at a time, for all threads.
    """

    def __init__(self, seconds_per_page: float = SECONDS_PER_PAGE, seconds_to_start: float = SECONDS_TO_START) -> None:
        self._seconds_per_page = seconds_per_page
        self._seconds_to_start = seconds_to_start
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def text(self, page: Page, title: str, seconds: float) -> str:
        """Return the page's text about the item with this title, within `seconds`; raise ArticleError without one."""
        if not self._lock.acquire(timeout=max(0.0, seconds)):
            raise ArticleError("There was no time to read the page")
        try:
            answer = self._answer(page, title)
        finally:
            self._lock.release()
        if "text" in answer:
            return str(answer["text"])
        raise ArticleError(str(answer["reason"]))

    def _answer(self, page: Page, title: str) -> dict[str, Any]:
        process = self._started()
        request = json.dumps({"charset": page.charset, "title": title, "bytes": len(page.body)}).encode("utf-8")
        with _limited(process, self._seconds_per_page) as (requests, answers):
            # The process may have ended before it has read all.
            with contextlib.suppress(OSError):
                requests.write(request + b"\n" + page.body)
                requests.flush()
            answer = answers.readline()
        if not answer.endswith(b"\n"):
            self._end()
            raise ArticleError("Reading the page took too long or too much memory")
        found: dict[str, Any] = json.loads(answer)
        return found

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=_environment(),
            )
            with _limited(self._process, self._seconds_to_start) as (_, answers):
                if answers.readline() != _READY:
                    self._end()
                    raise ArticleError("The process that reads pages did not start")
        return self._process

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            # Also closes the pipes.
            self._process.communicate()
            self._process = None


def _environment() -> dict[str, str]:
    inherited = {name: os.environ[name] for name in _INHERITED_VARIABLES if name in os.environ}
    return {**inherited, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


@contextlib.contextmanager
def _limited(process: subprocess.Popen[bytes], seconds: float) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """Kill the process if the block takes longer; its reads and writes then end."""
    if process.stdin is None or process.stdout is None:
        raise AssertionError("unreachable: both are pipes")
    timer = threading.Timer(seconds, process.kill)
    timer.daemon = True
    timer.start()
    try:
        yield process.stdin, process.stdout
    finally:
        timer.cancel()


def serve(requests: IO[bytes], answers: IO[bytes]) -> None:
    """Answer requests, each a line of JSON and the page, with a line of JSON, until there are no more."""
    answers.write(_READY)
    answers.flush()
    while line := requests.readline():
        request = json.loads(line)
        answer = _answer_to(requests.read(request["bytes"]), request["charset"], request["title"])
        answers.write(json.dumps(answer).encode("ascii") + b"\n")
        answers.flush()


def _answer_to(body: bytes, charset: str | None, title: str) -> dict[str, str]:
    try:
        return {"text": article_text(body, charset, title)}
    except ArticleError as error:
        return {"reason": str(error)}
    except RecursionError:
        return {"reason": "The page is nested too deep"}


def main() -> None:
    """Serve standard input and output with limited memory."""
    import trafilatura  # noqa: F401 - before the first page, whose time is limited

    # Where the system has no such limit, the time limit remains.
    with contextlib.suppress(OSError, ValueError):
        # Relative, because the limit counts addresses: how many a fresh process has mapped differs between systems.
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        limit = pages * resource.getpagesize() + MEMORY_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    serve(sys.stdin.buffer, sys.stdout.buffer)


if __name__ == "__main__":
    main()
