"""Records as values that Systems Manager accepts."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel

from vectora_shared.aws_texts import LONGEST_PARAMETER, cut, plain, without_references

# No record has longer lists; fewer items leave more room for each text.
MOST_ITEMS = 10


def as_parameter(record: BaseModel) -> str:
    """Return the record as a value that Systems Manager accepts, with any texts.

    PutParameter refuses values with references to other parameters ("{{...}}", botocore's model of PutParameter) and
    values over 4 KB. The longest texts are cut, as little as possible; no field is lost.
    """
    fields = _map_texts(record.model_dump(mode="json", exclude_none=True), _safe)
    fits, too_long = 0, LONGEST_PARAMETER
    if len(whole := _json(fields).encode("utf-8")) <= LONGEST_PARAMETER:
        return whole.decode("utf-8")
    while too_long - fits > 1:
        middle = (fits + too_long) // 2
        if len(_json(_cut_texts(fields, middle)).encode("utf-8")) <= LONGEST_PARAMETER:
            fits = middle
        else:
            too_long = middle
    return _json(_cut_texts(fields, fits))


def _safe(text: str) -> str:
    return cut(without_references(plain(text)), LONGEST_PARAMETER) if text else ""


def _cut_texts(fields: Any, most_bytes: int) -> Any:
    return _map_texts(fields, lambda text: cut(text, most_bytes))


def _map_texts(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: _map_texts(each, change) for key, each in value.items()}
    return [_map_texts(each, change) for each in value[:MOST_ITEMS]] if isinstance(value, list) else value


def _json(fields: Any) -> str:
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
