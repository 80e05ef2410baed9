"""Links, paths and settings in documents: each leads to something that exists."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from tests.docs.documents import OF_THE_PAST, Found, anchors, documents, inline_code, links, tracked_files
from tests.repository import ROOT
from vectora_ops import settings

CONFIGURATION = ROOT / "docs" / "reference" / "configuration.md"
# Written on an operator's machine, when the owner wants them.
WRITTEN_LATER = ("docs/snapshots/",)
FILE_ENDINGS = ("md", "py", "json", "yaml", "yml", "toml", "txt", "html", "csv", "zip", "in", "sh", "lock")
FOLDERS = {path.partition("/")[0] for path in tracked_files() if "/" in path}


def link_problem(link: Found) -> str:
    """Return why a link leads nowhere, empty when it leads somewhere."""
    target, _, anchor = link.text.partition("#")
    if re.match(r"[a-z]+:", link.text):
        return ""
    if target.startswith("/"):
        return "absolute links work neither on disk nor on the site"
    path = posixpath.normpath(posixpath.join(posixpath.dirname(link.path), target)) if target else link.path
    if path not in tracked_files() and not any(each.startswith(f"{path}/") for each in tracked_files()):
        return f"{path} does not exist"
    if anchor and path.endswith(".md") and anchor not in anchors(ROOT / path):
        return f"{path} has no heading #{anchor}"
    return ""


def test_every_link_leads_somewhere() -> None:
    problems = {f"{link.place} {link.text}": link_problem(link) for link in links()}

    assert {place: problem for place, problem in problems.items() if problem} == {}


@pytest.mark.parametrize(
    "target",
    ["gone.md", "../../gone.py", "/docs/index.md", "#gone", "pipeline.md#gone", "../gone/"],
)
def test_a_link_that_leads_nowhere_is_found(target: str) -> None:
    assert link_problem(Found("docs/runbooks/rollback.md", 1, target))


@pytest.mark.parametrize("target", ["pipeline.md", "../../stacks", "../../stacks/", "https://example.org/gone"])
def test_a_link_that_leads_somewhere_is_not(target: str) -> None:
    assert not link_problem(Found("docs/runbooks/rollback.md", 1, target))


def test_anchors_are_those_of_github(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# Two words, `code` and *more*\n## Files (v4 ... v7)\n## [Link](a.md)\n## Same\n## Same\n"
        "```sh\n# a comment\n```\n",
        encoding="utf-8",
    )

    assert anchors(page) == {"two-words-code-and-more", "files-v4--v7", "link", "same", "same-1"}


def test_every_path_in_inline_code_exists() -> None:
    missing = [f"{code.place} {code.text}" for code in inline_code() if path_is_missing(code.text)]

    assert missing == []


@pytest.mark.parametrize(
    ("text", "is_missing"),
    [
        ("stacks/", False),
        ("config/environments.yaml", False),
        ("config/clients/{client_id}.yaml", False),
        ("config/clients/*.yaml", False),
        ("tests/docs/test_links_and_paths.py::test_every_link_leads_somewhere", False),
        ("docs/snapshots/dev.md", False),
        ("clients/lai_weekly.yaml", False),
        ("stacks/gone.py", True),
        ("config/gone/{name}.yaml", True),
    ],
)
def test_paths_that_are_gone_are_found_and_others_are_not(text: str, is_missing: bool) -> None:
    assert path_is_missing(text) == is_missing


def path_is_missing(text: str) -> bool:
    """Return whether the text is a path below a top-level folder that has no such file."""
    path = text.partition("::")[0].rstrip("/")
    path = re.sub(r":\d+$", "", path)
    if "/" not in text or re.search(r"\s", text) or text.partition("/")[0] not in FOLDERS:
        return False
    if path.startswith(WRITTEN_LATER):
        return False
    pattern = re.sub(r"\{[^}]*\}|<[^>]*>|\.\.\.", "*", path).replace("[", "[[]")
    return not any(fnmatchcase(file, pattern) or fnmatchcase(file, f"{pattern}/*") for file in tracked_files())


def test_every_setting_in_inline_code_exists() -> None:
    known = set(_settings())

    unknown = [f"{code.place} {code.text}" for code in inline_code() if setting_is_unknown(code.text, known)]

    assert unknown == []


@pytest.mark.parametrize(
    ("text", "is_unknown"),
    [
        ("promotion.soak_days", False),
        ("pipeline.approval_days", False),
        ("client_profile.version", False),
        ("manifest.json", False),
        ("vectora_ops.settings", False),
        ("promotion.soak_weeks", True),
        ("client_profile.owner", True),
    ],
)
def test_settings_that_are_gone_are_found_and_others_are_not(text: str, is_unknown: bool) -> None:
    assert setting_is_unknown(text, set(_settings())) == is_unknown


def setting_is_unknown(text: str, known: set[str]) -> bool:
    """Return whether the text is a dotted name that begins as a setting does and is none."""
    if not re.fullmatch(r"[a-z_]+(\.[a-z_]+)+", text) or text.rpartition(".")[2] in FILE_ENDINGS:
        return False
    return text.partition(".")[0] in {each.partition(".")[0] for each in known if "." in each} and text not in known


def _settings() -> Iterator[str]:
    """Yield the dotted names of settings of environments and of keys of clients' and canonical files."""
    for model in (settings.EnvironmentSettings, settings.Settings):
        yield from _dotted("", model)
    for key in re.findall(r"^\| `([^`]+)` \|", CONFIGURATION.read_text(encoding="utf-8"), re.M):
        yield key.replace("[]", "")


def _dotted(prefix: str, model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield f"{prefix}{name}"
        for inner in _models(field.annotation):
            yield from _dotted(f"{prefix}{name}.", inner)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)


def test_documents_of_the_past_are_not_checked_for_paths() -> None:
    assert any(path.relative_to(ROOT).as_posix().startswith(OF_THE_PAST) for path in documents())
    assert not [code for code in inline_code() if code.path.startswith(OF_THE_PAST)]
