"""Golden templates of the working tree that are older than what they are made from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from change_review.releases import TEMPLATES_BY
from change_review.settings import FILE as SETTINGS_FILE
from change_review.sides import Files
from change_review.templates import FOLDER
from change_review.values import parse_template, properties_of
from vectora_ops.names import OPERATIONS_LAYER
from vectora_ops.settings import ENVIRONMENT_NAMES, Settings
from vectora_review.policy_words import is_policy

UPDATE = "run `make templates` and review again"


def notes_on_stale_templates(files: Files, settings: Settings | None, paths: Sequence[str]) -> Iterator[str]:
    """Yield a note when golden templates do not show the change.

    A promotion policy is compared with its setting. Whether everything else is current needs a synthesis, which
    `make check` does (tests/stacks/test_golden_templates.py).
    """
    if settings is not None and SETTINGS_FILE in paths and (stale := tuple(_other_policies(files, settings))):
        yield f"STALE: the templates of {', '.join(stale)} have another promotion policy than the settings: {UPDATE}."
    sources = [path for path in paths if path.startswith(TEMPLATES_BY) or path == SETTINGS_FILE]
    if sources and not any(path.startswith(FOLDER) for path in paths):
        yield (
            f"{sources[0]}{f' and {len(sources) - 1} more' if len(sources) > 1 else ''} may change templates, and no "
            f"golden template differs. `make check` compares them; when it fails, {UPDATE}."
        )


def _other_policies(files: Files, settings: Settings) -> Iterator[str]:
    for env in ENVIRONMENT_NAMES:
        path = f"{FOLDER}{env}/{OPERATIONS_LAYER}.yaml"
        body = files.read(path)
        if body is None:
            continue
        for resource in (parse_template(path, body).get("Resources") or {}).values():
            written = properties_of(resource).get("Value")
            if is_policy(resource) and written != settings.environment(env).promotion.model_dump_json(
                exclude_defaults=True
            ):
                yield env
