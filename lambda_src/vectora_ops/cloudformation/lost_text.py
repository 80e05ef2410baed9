"""Text that CloudFormation does not give back: it tells every character beyond ASCII as a question mark.

GetTemplate does so in templates, DescribeStacks in parameters, tags and outputs, while CloudFormation itself keeps and
applies the true characters (cloudformation-coverage-roadmap 814 and 1220). What is written back with the question mark
changes the resource, or makes CloudFormation refuse an import (aws-cdk 38708).

The rule: a question mark stands for itself only as a field of a schedule expression such as `cron(0 6 ? * MON *)`,
where EventBridge accepts no other character in its place. Every other one may have been another character, so it is
never written: CloudFormation uses the text it has, or the operation is refused and names the place. Templates of
this project are ASCII and have question marks in schedule expressions only (tests/unit/ops/test_lost_text.py), so
nothing of theirs is ever refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_FIELD = r"[A-Za-z0-9*,/#-]+"
# Six fields, of which one of the two that name days is a question mark (EventBridge user guide, cron expressions).
_CRON = re.compile(
    rf"cron\({_FIELD} {_FIELD} (?:\? {_FIELD} {_FIELD}|{_FIELD} {_FIELD} \?) {_FIELD}\)",
)
NAMED_PLACES = 5


def is_doubtful(text: str) -> bool:
    """Return whether a text that CloudFormation told may have held characters beyond ASCII."""
    return "?" in _CRON.sub("", text)


def doubtful_places(document: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the paths, such as `Resources.Topic.Properties.DisplayName`, of all that may have lost characters."""
    return tuple(_doubtful(document, ""))


def _doubtful(value: Any, path: str) -> Iterator[str]:
    match value:
        case str() if is_doubtful(value):
            yield path
        case Mapping():
            for key, each in value.items():
                inner = f"{path}.{key}" if path else str(key)
                if is_doubtful(str(key)):
                    yield inner
                else:
                    yield from _doubtful(each, inner)
        case list():
            for index, each in enumerate(value):
                yield from _doubtful(each, f"{path}[{index}]")


def lost_in(stack: str, places: tuple[str, ...]) -> str:
    """Return the sentence that names the places, for people."""
    named = ", ".join(places[:NAMED_PLACES])
    more = len(places) - NAMED_PLACES
    return (
        f"Stack {stack} has a question mark at {named}{f' and {more} more places' if more > 0 else ''}, where "
        "CloudFormation may have replaced a character beyond ASCII: it does not give such characters back"
    )
