"""Text that CloudFormation does not return: non-ASCII characters, which become question marks.

GetTemplate replaces them in templates, DescribeStacks in parameters, tags and outputs. CloudFormation itself stores and
applies the true characters (cloudformation-coverage-roadmap 814 and 1220). Writing the question mark back changes the
resource, or makes CloudFormation refuse an import (aws-cdk 38708).

A question mark is genuine only as a field of a schedule expression such as `cron(0 6 ? * MON *)`, where EventBridge
accepts no other character. Every other question mark may have been another character, so it is never written:
CloudFormation uses the text that it has, or the operation is refused and names the path. Templates of this project are
ASCII and have question marks only in schedule expressions (tests/unit/ops/test_lost_text.py), so no operation on them
is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_FIELD = r"[A-Za-z0-9*,/#-]+"
# Six fields; one of the two that select days is a question mark (EventBridge user guide, cron expressions).
_CRON = re.compile(
    rf"cron\({_FIELD} {_FIELD} (?:\? {_FIELD} {_FIELD}|{_FIELD} {_FIELD} \?) {_FIELD}\)",
)
NAMED_PATHS = 5


def may_have_lost_text(text: str) -> bool:
    """Return whether a text from CloudFormation may have had non-ASCII characters."""
    return "?" in _CRON.sub("", text)


def lost_text_paths(document: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the paths, such as `Resources.Topic.Properties.DisplayName`, of texts that may have lost characters."""
    return tuple(_paths(document, ""))


def _paths(value: Any, path: str) -> Iterator[str]:
    match value:
        case str() if may_have_lost_text(value):
            yield path
        case Mapping():
            for key, each in value.items():
                inner = f"{path}.{key}" if path else str(key)
                if may_have_lost_text(str(key)):
                    yield inner
                else:
                    yield from _paths(each, inner)
        case list():
            for index, each in enumerate(value):
                yield from _paths(each, f"{path}[{index}]")


def describe_lost_text(stack: str, paths: tuple[str, ...]) -> str:
    """Return the start of an error message that names the paths."""
    named = ", ".join(paths[:NAMED_PATHS])
    more = len(paths) - NAMED_PATHS
    return (
        f"Stack {stack} has a question mark at {named}{f' and {more} more paths' if more > 0 else ''}, where "
        "CloudFormation may have replaced a non-ASCII character: it does not return such characters"
    )
