"""Commits' changes of an assembly: ordinary ones, and those of somebody who would like to judge himself."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

from tests.stacks.review.pipeline_in_memory import PIPELINE, Change, Files

Edit = Callable[[dict[str, Any]], None]
PIPELINE_TEMPLATE = f"{PIPELINE}.template.json"


def in_template(env: str, layer: str, edit: Edit) -> Change:
    """Return the change of an environment's template, published under its new digest as the CDK does."""

    def change(files: Files) -> None:
        squeezed = f"{layer}{env}".replace("-", "")
        [name] = [each for each in files if squeezed in each and each.endswith(".template.json") and "/" in each]
        _edit_template(files, name, edit)

    return change


def in_pipeline(edit: Edit) -> Change:
    """Return the change of the pipeline's own template."""
    return lambda files: _edit_template(files, PIPELINE_TEMPLATE, edit)


def _edit_template(files: Files, name: str, edit: Edit) -> None:
    template = json.loads(files[name])
    edit(template)
    old = hashlib.sha256(files[name]).hexdigest()
    files[name] = json.dumps(template).encode()
    new = hashlib.sha256(files[name]).hexdigest()
    for each in files:
        if each.endswith((".assets.json", "manifest.json")):
            files[each] = files[each].replace(old.encode(), new.encode())


def in_document(name: str, edit: Edit) -> Change:
    """Return the change of a JSON file, whatever refers to it."""

    def change(files: Files) -> None:
        document = json.loads(files[name])
        edit(document)
        files[name] = json.dumps(document).encode()

    return change


def in_pipelines_actions(edit: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> Change:
    """Return the change of the actions of each stage."""

    def change(template: dict[str, Any]) -> None:
        [pipeline] = [each for each in template["Resources"].values() if each["Type"].endswith("::Pipeline")]
        for stage in pipeline["Properties"]["Stages"]:
            stage["Actions"] = edit(stage["Actions"])

    return in_pipeline(change)


def in_policy(env: str, **settings: Any) -> Change:
    """Return the change of the policy by which releases go into `env`, where the environment before judges by it."""
    before = {"stage": "dev", "prod": "stage"}[env]

    def edit(template: dict[str, Any]) -> None:
        variables = template["Resources"]["PromotionFunction"]["Properties"]["Environment"]["Variables"]
        variables["NEXT_PROMOTION"] = json.dumps({**json.loads(variables["NEXT_PROMOTION"]), **settings})

    return in_template(before, "s0-operations", edit)


def new_code(env: str, layer: str, resource: str) -> Change:
    """Return the change of a function's or a layer's code."""

    def change(files: Files) -> None:
        key = "Content" if resource.endswith("Layer") else "Code"
        old: list[str] = []

        def edit(template: dict[str, Any]) -> None:
            code = template["Resources"][resource]["Properties"][key]
            old.append(code["S3Key"].removesuffix(".zip"))
            code["S3Key"] = f"{'a' * 64}.zip"

        in_template(env, layer, edit)(files)
        files[f"asset.{'a' * 64}.zip"] = package(b"other code")
        for each in files:
            if each.endswith(".assets.json"):
                files[each] = files[each].replace(old[0].encode(), b"a" * 64)

    return change


def other_content_under_the_same_name(files: Files) -> None:
    """Replace the content of a package, and not its digest."""
    name = next(each for each in sorted(files) if each.startswith("asset."))
    files[name] = package(b"a back door")


def package(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("handler.py", content)
    return buffer.getvalue()


def new_file(name: str, body: bytes = b"{}") -> Change:
    return lambda files: files.update({name: body})
