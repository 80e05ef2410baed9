"""Lines of a review, and values of templates as people read them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from vectora_shared.aws_texts import plain

Kind = Literal["loosens", "changes", "tightens"]
LOOSENS: Kind = "loosens"
CHANGES: Kind = "changes"
TIGHTENS: Kind = "tightens"
LONGEST_VALUE = 160


@dataclass(frozen=True)
class Line:
    """One sentence on one change."""

    kind: Kind
    text: str


def shown(value: Any) -> str:
    """Return a value of a template in one short line; the commit wrote it, so it is not trusted."""
    text = plain(readable(value))
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}..."


def readable(value: Any) -> str:
    """Return a value of a template as people read it: references by their names."""
    if value is None:
        return "none"
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping) and len(value) == 1:
        [(function, argument)] = value.items()
        if function == "Ref":
            return f"${{{argument}}}"
        if function == "Fn::Sub" and isinstance(argument, str):
            return argument
        if function == "Fn::GetAtt" and isinstance(argument, list):
            return f"${{{'.'.join(map(str, argument))}}}"
        if function == "Fn::Join" and isinstance(argument, list) and len(argument) == 2:
            return str(argument[0]).join(map(readable, argument[1]))
    return json.dumps(value, sort_keys=True)
