"""Machines of the model: each works with its own clock, may be killed between two requests, and may be overtaken."""

from __future__ import annotations

import logging
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from io import BytesIO
from types import SimpleNamespace
from typing import Any
from unittest import mock

from tests.model.memory_answers import Pages, metadata
from tests.model.memory_cloudformation import MemoryCloudFormation
from tests.model.memory_s3 import MemoryS3, fields_of
from tests.model.memory_services import (
    ACCOUNT_ID,
    REGION,
    MemoryLambda,
    MemoryPipeline,
    MemorySns,
    MemorySsm,
    MemoryStates,
)
from tests.model.store_time import StoreTime
from vectora_ops import progress
from vectora_ops.account import Account
from vectora_ops.functions import invocation
from vectora_ops.snapshots import lease, reading

# Requests that change something, by the beginning of their names.
CHANGING = ("put_", "delete_", "create_", "execute_", "continue_", "rollback_", "start_", "publish", "copy_")
POOL = "ThreadPoolExecutor"
UNFORESEEN = r"^(?:[A-Z]\w*(?:Error|Exception|Iteration)|pydantic\S*): .*"
PRODUCT = ("vectora_ops.", "vectora_shared.")


class KilledError(BaseException):
    """The end of a machine's process; no handler of errors may see it."""


class UnknownOperationError(BaseException):
    """The product sent a request that the in-memory AWS does not know; no handler of errors may hide it."""


@dataclass
class Process:
    """One invocation of a function, or one command of an operator.

    It is killed before or after its request number `killed_at`; `overtaken_at` is the number of the request before
    which `meanwhile` happens.
    """

    owner: str
    skew: timedelta = timedelta()
    killed_at: int | None = None
    answer_lost: bool = False
    seconds_left: float = 900.0
    requests_until_late: int | None = None
    overtaken_at: int | None = None
    meanwhile: Callable[[], None] = lambda: None
    requests: int = 0
    dead: bool = False

    @property
    def is_late(self) -> bool:
        return self.requests_until_late is not None and self.requests >= self.requests_until_late


@dataclass(frozen=True)
class Change:
    """A request that changed something, by whom."""

    at: datetime
    owner: str
    service: str
    operation: str
    subject: str


@dataclass
class MemoryAws:
    """All services of one account, the processes that use them, and the changes that they made."""

    time: StoreTime
    run_function: Callable[[str, dict[str, Any], str], Any]
    run_machine: Callable[[str, dict[str, Any]], dict[str, Any]]
    publish_configuration: Callable[[dict[str, Any]], None]
    changes: list[Change] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    _running: list[Process] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.s3, self.ssm = MemoryS3(self.time), MemorySsm(self.time)
        self.lambda_ = MemoryLambda(self.time, self.run_function)
        self.states, self.sns = MemoryStates(self.time, self.run_machine), MemorySns(self.time)
        self.pipeline = MemoryPipeline(self.time)
        self.cloudformation = MemoryCloudFormation(
            self.time, self.s3, self.ssm, self.lambda_, self.publish_configuration
        )
        self.services: dict[str, Any] = {
            "s3": self.s3,
            "ssm": self.ssm,
            "lambda": self.lambda_,
            "stepfunctions": self.states,
            "codepipeline": self.pipeline,
            "cloudformation": self.cloudformation,
            "sns": self.sns,
        }
        self.account = MemoryAccount(self)

    @property
    def process(self) -> Process:
        return self._running[-1]

    @contextmanager
    def running(self, process: Process, **environment: str) -> Iterator[None]:
        """Let a process work: its requests count as its own, and its environment variables are set."""
        self._running.append(process)
        try:
            with mock.patch.dict(os.environ, environment):
                yield
        finally:
            self._running.pop()

    def request(self, service: str, operation: str, request: dict[str, Any]) -> Any:
        """Send a request of the running process, unless it is dead."""
        process = self.process
        if process.dead:
            raise KilledError
        process.requests += 1
        if process.requests == process.overtaken_at:
            process.meanwhile()
        self.time.tick()
        if process.requests == process.killed_at and not process.answer_lost:
            process.dead = True
            raise KilledError
        before = len(self.changes)
        if operation.startswith(CHANGING):
            self.changes.append(Change(self.time.now, process.owner, service, operation, _subject(request)))
        work = getattr(self.services[service], operation, None)
        if work is None:
            raise UnknownOperationError(f"The in-memory AWS has no {service}.{operation}: add it.")
        try:
            answer = work(**request)
        except Exception:
            del self.changes[before:]
            raise
        if process.requests == process.killed_at:
            process.dead = True
            raise KilledError
        answer.setdefault("ResponseMetadata", metadata(self.time.now))
        return answer

    def clock(self) -> datetime:
        """Return the time as the running process's machine has it."""
        return self.time.now + self.process.skew


def _subject(request: dict[str, Any]) -> str:
    where = request.get("Bucket") or request.get("StackName") or request.get("Name") or request.get("stageName") or ""
    return f"{where}/{request['Key']}" if "Key" in request else str(where)


class MemoryAccount(Account):
    """Account whose clients are the services in memory."""

    def __init__(self, aws: MemoryAws) -> None:
        super().__init__(ACCOUNT_ID, REGION, SimpleNamespace(get_credentials=lambda: None))  # type: ignore[arg-type]
        object.__setattr__(self, "aws", aws)

    def client(self, service: str) -> Any:
        return _Client(self.aws, service)  # type: ignore[attr-defined]

    def invoker(self, wait_seconds: int = 0) -> Any:
        return self.client("lambda")

    def with_roles(self, routes: Mapping[str, Mapping[str, str]]) -> Account:
        assert not routes, "all environments of the model are in one account"
        return self

    def http_session(self, url: str) -> Any:
        body = self.aws.lambda_.code[url.removeprefix("memory://")]  # type: ignore[attr-defined]
        headers = {"Content-Length": str(len(body))}
        answer = SimpleNamespace(headers=headers, raw=BytesIO(body), status_code=200)
        return SimpleNamespace(send=lambda request: answer, close=lambda: None)


class _Client:
    """A boto3 client, as far as the operations use it."""

    def __init__(self, aws: MemoryAws, service: str) -> None:
        self._aws = aws
        self._service = service
        self.meta = SimpleNamespace(events=_Events(), region_name=REGION)
        self._handlers: dict[str, Any] = self.meta.events.handlers

    def get_paginator(self, operation: str) -> Pages:
        return Pages(getattr(self, operation))

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def send(**request: Any) -> Any:
            # ObjectWriter asks for the form of a request before it sends any; here there is none to copy.
            params: dict[str, Any] = {"url": "", "auth_path": "", "query_string": {}, "headers": {}}
            for handler in self._handlers.values():
                handler(params=params, model=None)
            return self._aws.request(self._service, operation, {**request, **fields_of(params["headers"])})

        return send


class _Events:
    """Events of a client: handlers that see each request before it is sent."""

    def __init__(self) -> None:
        self.handlers: dict[str, Any] = {}

    def register_last(self, event: str, handler: Any, unique_id: str) -> None:
        # Later events have the request as bytes, of which nothing is in memory.
        if event.startswith("before-call"):
            self.handlers[unique_id] = handler

    register = register_last


class InlinePool:
    """ThreadPoolExecutor that works at once, in the order of submission: every run of the model is the same."""

    def __init__(self, *_: Any) -> None: ...

    def __enter__(self) -> InlinePool:
        return self

    def __exit__(self, *_: object) -> None: ...

    def submit(self, work: Callable[..., Any], *given: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(work(*given))
        except BaseException as error:  # noqa: BLE001  (raised again by `result`)
            future.set_exception(error)
        return future

    def map(self, work: Callable[..., Any], *given: Any) -> Iterator[Any]:
        return (self.submit(work, *each).result() for each in zip(*given, strict=True))


class InlineThread:
    """Thread that works when it is started."""

    def __init__(self, *, target: Callable[[], None], **_: Any) -> None:
        self._target = target

    def start(self) -> None:
        self._target()

    def is_alive(self) -> bool:
        return False


class IdleThread(InlineThread):
    """Thread that never runs: the lease's, so that a machine that sleeps does not renew it."""

    def start(self) -> None: ...

    def join(self) -> None: ...


class _Unexpected(logging.Handler):
    """Errors that the product did not foresee, which it logs with their tracebacks before it reports them."""

    def __init__(self, found: list[str]) -> None:
        super().__init__()
        self._found = found

    def emit(self, record: logging.LogRecord) -> None:
        # The product's filter leaves the text of a traceback only; errors of Python itself have no module in it.
        self._found += re.findall(
            r"^(?:[A-Z]\w*(?:Error|Exception|Iteration)|pydantic\S*): .*", record.exc_text or "", re.M
        )


@contextmanager
def product_on(aws: MemoryAws) -> Iterator[None]:
    """Let the product's code work on the in-memory AWS, by the clock of the machine that runs it."""

    class MachineTime:
        @staticmethod
        def now(zone: tzinfo) -> datetime:
            return aws.clock().astimezone(zone)

    def sleep(seconds: float) -> None:
        aws.time.pass_by(timedelta(seconds=seconds))

    modules = [module for name, module in sys.modules.items() if name.startswith(PRODUCT)]
    patches = [
        mock.patch.object(progress, "datetime", MachineTime),
        mock.patch.object(invocation, "account_of_credentials", return_value=aws.account),
        mock.patch.object(reading, "Thread", InlineThread),
        mock.patch.object(lease, "Thread", IdleThread),
        *(_with_default(function, time.sleep, sleep) for function in _functions(modules, time.sleep)),
        *(mock.patch.object(each, "ThreadPoolExecutor", InlinePool) for each in modules if hasattr(each, POOL)),
        mock.patch("time.sleep", sleep),
    ]
    invocation.own_account.cache_clear()
    for patch in patches:
        patch.start()
    handler = _Unexpected(aws.unexpected)
    invocation.logger.addHandler(handler)
    propagates, invocation.logger.propagate = invocation.logger.propagate, False
    try:
        yield
    finally:
        invocation.logger.removeHandler(handler)
        invocation.logger.propagate = propagates
        for patch in reversed(patches):
            patch.stop()
        invocation.own_account.cache_clear()


def _functions(modules: list[Any], default: object) -> list[Any]:
    """Return the functions and methods of these modules that have the default."""
    members = [member for module in modules for member in vars(module).values()]
    methods = [method for member in members if isinstance(member, type) for method in vars(member).values()]
    found = (each for each in (*members, *methods) if default in (getattr(each, "__kwdefaults__", None) or {}).values())
    return list({id(each): each for each in found}.values())


def _with_default(function: Any, before: object, after: object) -> Any:
    changed = {key: after if value is before else value for key, value in function.__kwdefaults__.items()}
    return mock.patch.object(function, "__kwdefaults__", changed)
