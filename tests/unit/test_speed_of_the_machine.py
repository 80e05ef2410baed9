"""No test fails because the machine is slow: none asserts a time, and none waits a short one."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
FILES = sorted(path.relative_to(TESTS).as_posix() for path in TESTS.rglob("*.py"))
CLOCKS = {"monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time", "time", "thread_time"}
# A machine that is ten times slower does in it what takes half a minute here.
SHORTEST_PATIENCE_SECONDS = 300


def _faults(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        inside = list(ast.walk(node.test)) if isinstance(node, ast.Assert) else []
        if any(isinstance(each, ast.Call) and _reads_a_clock(each) for each in inside):
            yield f"line {node.lineno} asserts a time"  # type: ignore[attr-defined]
        if any(isinstance(each, ast.Attribute) and each.attr.startswith("overhead_percent") for each in inside):
            yield f"line {node.lineno} asserts a share of time"  # type: ignore[attr-defined]
        if isinstance(node, ast.keyword) and node.arg == "timeout" and isinstance(node.value, ast.Constant):
            seconds = node.value.value
            if isinstance(seconds, int | float) and seconds < SHORTEST_PATIENCE_SECONDS:
                yield f"line {node.value.lineno} waits {seconds} seconds only"
        if isinstance(node, ast.FunctionDef) and _is_generated(node) and not _has_no_deadline(node, source):
            yield f"line {node.lineno} has Hypothesis's deadline of 200 milliseconds for each example"


def _reads_a_clock(call: ast.Call) -> bool:
    called = call.func
    return isinstance(called, ast.Attribute) and called.attr in CLOCKS and ast.unparse(called.value) == "time"


def _is_generated(function: ast.FunctionDef) -> bool:
    return any(ast.unparse(each).startswith("given(") for each in function.decorator_list)


def _has_no_deadline(function: ast.FunctionDef, source: str) -> bool:
    decorators = [ast.unparse(each) for each in function.decorator_list]
    shared = {
        target.id
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Assign) and "deadline=None" in ast.unparse(node.value)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    return any("deadline=None" in each or each in shared for each in decorators)


@pytest.mark.parametrize("name", FILES)
def test_no_test_depends_on_the_machines_speed(name: str) -> None:
    assert list(_faults((TESTS / name).read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "code",
    [
        "assert time.monotonic() - began < 5",
        "assert commit.overhead_percent < 5",
        "barrier = threading.Barrier(2, timeout=10)",
        "@given(VALUES)\ndef test_it(value): ...",
        "@given(VALUES)\n@settings(max_examples=5)\ndef test_it(value): ...",
    ],
)
def test_what_depends_on_it_is_found(code: str) -> None:
    assert list(_faults(code))
