"""Checks of API input against botocore's model: members, types, lengths, patterns and enumerations."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Any

import botocore.session
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape
from botocore.validate import ParamValidator

from rehearsal.codepipeline.errors import ApiError


@functools.cache
def _service() -> ServiceModel:
    return botocore.session.Session().get_service_model("codepipeline")


def is_operation(operation: str) -> bool:
    """Return whether AWS has an operation of that name."""
    return operation in _service().operation_names


def check(operation: str, given: dict[str, Any]) -> None:
    """Raise ApiError ValidationException naming the first error of an operation's input."""
    model: OperationModel = _service().operation_model(operation)
    shape = model.input_shape
    if shape is None:
        return
    report = ParamValidator().validate(given, shape)
    if report.has_errors():
        raise ApiError("ValidationException", report.generate_report().splitlines()[0])
    if problem := next(_problems(shape, given, ""), None):
        raise ApiError("ValidationException", f"1 validation error detected: {problem}")


def _problems(shape: Shape, value: Any, path: str) -> Iterator[str]:
    if isinstance(shape, StructureShape):
        for name, each in value.items():
            if name not in shape.members:
                yield f"Unknown member '{name}' at '{path or 'input'}'"
                continue
            yield from _problems(shape.members[name], each, f"{path}.{name}".lstrip("."))
    elif isinstance(shape, ListShape):
        for number, each in enumerate(value):
            yield from _problems(shape.member, each, f"{path}.{number + 1}.member")
    elif isinstance(shape, MapShape):
        for key, each in value.items():
            yield from _problems(shape.key, key, path)
            yield from _problems(shape.value, each, f"{path}.{key}")
    elif isinstance(value, str):
        yield from _problems_of_text(shape, value, path)


def _problems_of_text(shape: Shape, value: str, path: str) -> Iterator[str]:
    failed = f"Value '{value}' at '{path}' failed to satisfy constraint: Member must"
    limits = shape.metadata
    if len(value) > limits.get("max", len(value)):
        yield f"{failed} have length less than or equal to {limits['max']}"
    if len(value) < limits.get("min", 0):
        yield f"{failed} have length greater than or equal to {limits['min']}"
    if "pattern" in limits and not re.fullmatch(limits["pattern"], value, re.DOTALL):
        yield f"{failed} satisfy regular expression pattern: {limits['pattern']}"
    choices = getattr(shape, "enum", [])
    if choices and value not in choices:
        yield f"{failed} satisfy enum value set: [{', '.join(choices)}]"
