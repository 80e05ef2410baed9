"""Wrapping of ministack's functions and request handlers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from ministack import app  # type: ignore[import-not-found]

Answer = tuple[int, dict[str, str], Any]
Handler = Callable[[str, str, dict[str, str], bytes, dict[str, Any]], Awaitable[Answer]]


@dataclass(frozen=True)
class Request:
    """A call as ministack passes it to the handler of a service."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    query: dict[str, Any]

    @property
    def operation(self) -> str:
        """Name of the operation in a JSON protocol."""
        return self.headers.get("x-amz-target", "").rpartition(".")[2]


def refuse_first(service: str, refusal: Callable[[Request], Answer | None]) -> None:
    """Call `refusal` before the handler of `service`; an answer that it returns replaces the handler's."""
    original: Handler = app.SERVICE_HANDLERS[service]

    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Answer:
        refused = refusal(Request(method, path, headers, body, query))
        return refused if refused is not None else await original(method, path, headers, body, query)

    app.SERVICE_HANDLERS[service] = handle


def wrap(module: ModuleType, name: str, around: Callable[..., Any]) -> None:
    """Replace a function by `around`, whose first argument is the original function."""
    original = getattr(module, name)

    def wrapped(*arguments: Any, **named: Any) -> Any:
        return around(original, *arguments, **named)

    setattr(module, name, wrapped)
