"""Golden templates of two sides, paired by environment and stack."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from change_review.values import Template, parse_template

FOLDER = "tests/stacks/templates/"
EXAMPLES = {"with-accounts": "several accounts", "with-backup": "a backup"}
BACKED_UP = "prod"
_FILE = re.compile(r"(?:(?P<folder>[\w-]+)/)?(?P<name>[\w-]+)\.(?:ya?ml|json)")
_ENDS_WITH_ENVIRONMENT = re.compile(r"(?P<stack>[\w-]+)-(?P<env>dev|stage|prod)")
NOTHING: Template = {}


@dataclass(frozen=True)
class StackPair:
    """A stack on both sides; `environment` is the label for people, `plain_name` that in the stack's names."""

    environment: str
    plain_name: str
    stack: str
    before: Template
    after: Template


def pairs(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> Iterator[StackPair]:
    """Yield the stacks whose files differ; both sides are contents by path below the folder of golden templates.

    Raises VectoraError when a file is no template.
    """
    for path in sorted({*before, *after}):
        if before.get(path) == after.get(path):
            continue
        label = _label(path)
        if label is not None:
            old, new = (_template(path, side.get(path)) for side in (before, after))
            yield StackPair(*label, old, new)


def _template(path: str, body: bytes | None) -> Template:
    return NOTHING if body is None else parse_template(path, body)


def _label(path: str) -> tuple[str, str, str] | None:
    """Return environment, its name in the templates, and stack of a golden template's path; None for other files."""
    found = _FILE.fullmatch(path)
    if found is None:
        return None
    folder, name = found["folder"], found["name"]
    if folder is None:
        return name, name, name
    if folder not in EXAMPLES:
        return folder, folder, name
    env, stack = BACKED_UP if folder == "with-backup" else "pipeline", name
    if own := _ENDS_WITH_ENVIRONMENT.fullmatch(name):
        env, stack = own["env"], own["stack"]
    return f"{env} ({EXAMPLES[folder]})", env, stack
