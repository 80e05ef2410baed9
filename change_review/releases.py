"""Digests of a release that a change gives a new value, and what becomes of the soak."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from change_review.model import ReleaseChange
from change_review.settings import FILE as SETTINGS_FILE
from change_review.settings import PIPELINE_LABEL, SettingsOfSide
from change_review.sides import Files
from change_review.templates import FOLDER
from vectora_ops.settings import ENVIRONMENT_NAMES

# Paths of what all environments share, as it is packed (stacks/content.py, stacks/assets/packages.py), with the word
# for people. Code of stacks and constructs counts when it changes a template.
CONTENT = (
    ("lambda_src/requirements.txt", "packages of functions"),
    ("lambda_src/", "code of functions"),
    ("config/clients/", "client files"),
    ("config/canonical/", "canonical files"),
    ("package.json", "the locked CDK CLI"),
    ("package-lock.json", "the locked CDK CLI"),
)
# The pipeline's own functions, and the list from which the locked one is made.
NOT_CONTENT = ("lambda_src/pipeline_relay/", "lambda_src/vectora_review/", "lambda_src/requirements.in")
# Not each change of it changes a build or a package, and only a synthesis shows that.
MAYBE = (("stacks/builds.py", "builds of the pipeline"), ("stacks/assets/", "how functions are packed"))
TEMPLATES_BY = ("stacks/", "constructs/", "requirements.txt", "cdk.json", "app.py")
# A template with every feature is content too, and this example has a feature that the environments lack.
EXAMPLE = f"{FOLDER}with-backup/"
_VERSION = re.compile(rb'(?<="version": ")[^"]*(?=")')
_STARTS_AGAIN = "the soak starts again at zero, and smoke tests, runs and bypasses of the earlier content do not count"
_STAYS = "so every release keeps its digest and its soak"
Sides = tuple[Files, Files]


def release_changes(
    paths: Sequence[str], files: Sides, settings: tuple[SettingsOfSide, SettingsOfSide]
) -> Iterator[ReleaseChange]:
    """Yield what the changed paths do to the digests of releases and their soak.

    The digests themselves need a synthesis. Which of them changes follows from the files, where that is certain.
    """
    if not paths:
        return
    content = tuple(dict.fromkeys(word for path in paths if (word := _content(path))))
    templates = tuple(path for path in paths if path.startswith(FOLDER) and _is_deployed_otherwise(path, files))
    envs = tuple(env for env in ENVIRONMENT_NAMES if any(path.startswith(f"{FOLDER}{env}/") for path in templates))
    by_code = any(path.startswith(TEMPLATES_BY) for path in paths)
    by_settings = _by_settings(settings) if SETTINGS_FILE in paths else ()
    unexplained = [env for env in envs if env not in by_settings]
    if by_code and (unexplained or any(path.startswith(EXAMPLE) for path in templates)):
        content = (*content, "templates")
    maybe = tuple(dict.fromkeys(word for prefix, word in MAYBE if any(path.startswith(prefix) for path in paths)))
    if content:
        text = f"the content digest and the release digests of every environment change: {_STARTS_AGAIN}"
        yield ReleaseChange(environments=ENVIRONMENT_NAMES, content=content, text=text)
    elif maybe:
        text = f"whether the content digest changes is only known after a synthesis; if it does, {_STARTS_AGAIN}"
        yield ReleaseChange(environments=ENVIRONMENT_NAMES, content=maybe, text=text)
    elif unexplained:
        text = (
            "the templates change and their sources do not, so they were written again after an earlier commit: the "
            "release digests change, and the soak starts again unless only settings differ"
        )
        yield ReleaseChange(environments=envs, content=("templates",), text=text)
    elif envs:
        yield from _of_settings(envs, by_code=by_code)
    else:
        yield ReleaseChange(environments=ENVIRONMENT_NAMES, content=(), text=_unchanged(paths, templates))


def _content(path: str) -> str:
    """Return the word for what a path is part of in every environment; empty for other paths."""
    return (
        "" if path.startswith(NOT_CONTENT) else next((word for prefix, word in CONTENT if path.startswith(prefix)), "")
    )


def _is_deployed_otherwise(path: str, files: Sides) -> bool:
    """Return whether a golden template differs in more than the release's version, which is for people."""
    old, new = (each.read(path) for each in files)
    return old is None or new is None or _VERSION.sub(b"", old) != _VERSION.sub(b"", new)


def _by_settings(settings: tuple[SettingsOfSide, SettingsOfSide]) -> tuple[str, ...]:
    """Return the environments in whose templates a changed setting may show: its own, or one of all of them.

    The pipeline's settings are in no environment's templates.
    """
    before, after = (each.values for each in settings)
    changed = {label for label in {*before, *after} if before.get(label) != after.get(label)} - {PIPELINE_LABEL}
    # A gate looks into the environment before it, and what an environment shares with the next is in both.
    pairs = tuple(pairwise(ENVIRONMENT_NAMES))
    neighbours = {each for pair in pairs if changed & set(pair) for each in pair}
    is_for_all = bool(changed - set(ENVIRONMENT_NAMES))
    return tuple(env for env in ENVIRONMENT_NAMES if is_for_all or env in neighbours)


def _of_settings(envs: tuple[str, ...], *, by_code: bool) -> Iterator[ReleaseChange]:
    rest = [env for env in ENVIRONMENT_NAMES if env not in envs]
    keeps = f"; {' and '.join(rest)} {'keeps its' if len(rest) == 1 else 'keep their'} digest" if rest else ""
    if by_code:
        text = (
            f"the release digest changes{keeps}. Code of the stacks differs, too: unless that alone changes no "
            "template, the content differs and the soak starts again at zero"
        )
        yield ReleaseChange(environments=envs, content=("settings", "perhaps templates"), text=text)
        return
    text = f"only the release digest changes, by settings{keeps}: the content is the same, so its soak goes on"
    yield ReleaseChange(environments=envs, content=("settings",), text=text)


def _unchanged(paths: Sequence[str], templates: Sequence[str]) -> str:
    if templates:
        return f"only the pipeline or an example of another set-up changes, {_STAYS}"
    if any(path.startswith(FOLDER) for path in paths):
        return f"only the version changes, which is for people, {_STAYS}"
    if SETTINGS_FILE in paths or any(path.startswith(TEMPLATES_BY) for path in paths):
        return f"no template changes, {_STAYS}"
    return f"nothing of what is deployed changes, {_STAYS}"
