"""Digests of a release that a change gives a new value, and what becomes of the soak."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from change_review.model import ReleaseChange
from change_review.settings import FILE as SETTINGS_FILE
from vectora_ops.settings import ENVIRONMENT_NAMES

# Paths that are part of what all environments share (stacks/content.py), with the word for people. Code of stacks and
# constructs counts when it changes a template.
CONTENT = (
    ("lambda_src/", "code of functions"),
    ("config/clients/", "client files"),
    ("config/canonical/", "canonical files"),
    ("stacks/builds.py", "builds of the pipeline"),
    ("stacks/assets/", "packages of functions"),
)
TEMPLATES_BY = ("stacks/", "constructs/", "requirements.txt", "cdk.json")
GOLDEN = "tests/stacks/templates/"


def release_changes(paths: Sequence[str]) -> Iterator[ReleaseChange]:
    """Yield what the changed paths do to the digests of releases and their soak.

    The digests themselves need a synthesis. Which inputs of them differ does not.
    """
    content = tuple(dict.fromkeys(word for prefix, word in CONTENT if any(path.startswith(prefix) for path in paths)))
    envs = tuple(env for env in ENVIRONMENT_NAMES if any(path.startswith(f"{GOLDEN}{env}/") for path in paths))
    by_code = any(path.startswith(TEMPLATES_BY) for path in paths)
    if envs and by_code:
        content = (*content, "templates")
    if content:
        text = (
            "the content digest and the release digests of every environment change: the soak starts again at zero, "
            "and smoke tests, runs and bypasses of the earlier content do not count"
        )
        yield ReleaseChange(environments=ENVIRONMENT_NAMES, content=content, text=text)
    elif envs and SETTINGS_FILE not in paths:
        text = (
            "the templates change and their sources do not, so they were written again after an earlier commit: the "
            "release digests change, and the soak starts again unless only settings differ"
        )
        yield ReleaseChange(environments=envs, content=("templates",), text=text)
    elif envs:
        text = "only the release digest changes, by settings: the content is the same, so its soak goes on"
        yield ReleaseChange(environments=envs, content=("settings",), text=text)
    elif SETTINGS_FILE in paths:
        text = "no template changes, so every release keeps its digest and its soak"
        yield ReleaseChange(environments=ENVIRONMENT_NAMES, content=(), text=text)
