"""Corpus of changes with a known right answer, for `./vectora review` and the tools that it is compared with."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from change_review.model import Category
from change_review.values import parse_template

CORPUS = Path(__file__).resolve().parent / "review_corpus"
GOLDEN = Path(__file__).resolve().parents[1] / "tests" / "stacks" / "templates"


@dataclass(frozen=True, kw_only=True)
class Case:
    """A change of a template: `expected` has by kind of finding the words that one finding of it contains.

    A kind that is not in it is a wrong alarm. `source` is the public report, or the template that was changed.
    """

    name: str
    source: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    expected: Mapping[Category, tuple[str, ...]]
    path: str

    @property
    def bodies(self) -> tuple[dict[str, bytes], dict[str, bytes]]:
        """Both sides as templates by path, in JSON."""
        before, after = (json.dumps(each, sort_keys=True).encode("utf-8") for each in (self.before, self.after))
        return {self.path: before}, {self.path: after}


def load_cases() -> tuple[Case, ...]:
    """Return all cases, in the order of their files."""
    return tuple(case for file in sorted(CORPUS.glob("*.yaml")) for case in _cases(file))


def _cases(file: Path) -> Iterator[Case]:
    for entry in yaml.safe_load(file.read_text(encoding="utf-8")):
        golden = entry.get("golden")
        if golden:
            before = parse_template(golden, (GOLDEN / f"{golden}.yaml").read_bytes())
        else:
            before = {"Resources": entry["before"]}
        after = copy.deepcopy(dict(before))
        for edit in entry["edits"]:
            _edit(after, edit)
        if action := entry.get("drop_action"):
            _drop_action(after, action)
        expected = {kind: tuple([words] if isinstance(words, str) else words) for kind, words in entry["finds"].items()}
        yield Case(
            name=entry["name"],
            source=entry.get("source") or (f"{golden} changed" if golden else "an example"),
            before=before,
            after=after,
            expected=expected,
            path=f"{golden}.yaml" if golden else "prod/example.yaml",
        )


def _edit(template: dict[str, Any], edit: Mapping[str, Any]) -> None:
    """Change one place of a template: put a value, remove it, rename its key, append to a list or reverse it.

    A place begins with a logical id, or with ^ and the name of another part of the template.
    """
    *parents, last = str(edit["at"]).removeprefix("^").split(".")
    target: Any = template if edit["at"].startswith("^") else template["Resources"]
    for parent in parents:
        target = target[_index(target, parent)] if isinstance(target, list) else target.setdefault(parent, {})
    key: Any = _index(target, last) if isinstance(target, list) else last
    if "put" in edit:
        target[key] = edit["put"]
    elif "rename" in edit:
        target[edit["rename"]] = target.pop(key)
    elif "append" in edit:
        target[key].append(edit["append"])
    elif "reverse" in edit:
        target[key].reverse()
    else:
        del target[key]


def _index(entries: list[Any], key: str) -> int:
    """Return the place of an entry: its number, or that of the entry with such a Sid or Key."""
    if key.isdigit():
        return int(key)
    return next(
        number for number, each in enumerate(entries) if key in (each.get("Sid"), each.get("Key"), each.get("Id"))
    )


def _drop_action(template: dict[str, Any], prefix: str) -> None:
    """Remove the actions of the pipeline whose name begins so."""
    [pipeline] = [each for each in template["Resources"].values() if each["Type"] == "AWS::CodePipeline::Pipeline"]
    for stage in pipeline["Properties"]["Stages"]:
        stage["Actions"] = [each for each in stage["Actions"] if not each["Name"].startswith(prefix)]
