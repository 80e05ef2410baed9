"""Rates of disturbances, passed to the emulator by its environment or, while it runs, by its control address."""

from __future__ import annotations

import json
import ssl
import urllib.request
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

# The same names as in rehearsal/inside/disturbances.py, which runs in the emulator's own interpreter.
VARIABLE = "REHEARSAL_DISTURBANCES"
CONTROL = "/_rehearsal/disturbances"


@dataclass(frozen=True)
class Disturbances:
    """Shares of all requests that are disturbed, each between 0 and 1, drawn at random from `seed`.

    `throttle` answers as AWS does when a rate is exceeded, `server_error` answers with status 500, and `cut` ends an
    answer in its middle. The first `stale_reads` reads of a new execution do not find it.
    """

    seed: int = 0
    throttle: float = 0.0
    server_error: float = 0.0
    cut: float = 0.0
    stale_reads: int = 0

    def environment(self) -> dict[str, str]:
        """Return the variable that starts the emulator with these rates."""
        return {VARIABLE: json.dumps(asdict(self))}

    def set(self, endpoint: str, ca_bundle: Path) -> None:
        """Replace the rates of the running emulator."""
        _call(endpoint, ca_bundle, "PUT", json.dumps(asdict(self)).encode("utf-8"))


def disturbance_counts(endpoint: str, ca_bundle: Path) -> Mapping[str, int]:
    """Return how often each kind of disturbance occurred since the rates were set."""
    counts: Mapping[str, int] = _call(endpoint, ca_bundle, "GET", None)["counts"]
    return counts


def _call(endpoint: str, ca_bundle: Path, method: str, body: bytes | None) -> dict[str, Any]:
    request = urllib.request.Request(f"{endpoint}{CONTROL}", method=method, data=body)  # noqa: S310
    handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
    if endpoint.startswith("https"):
        context = ssl.create_default_context(cafile=str(ca_bundle))
        handlers.append(urllib.request.HTTPSHandler(context=context))
    with urllib.request.build_opener(*handlers).open(request, timeout=30) as answer:
        document: dict[str, Any] = json.load(answer)
    return document
