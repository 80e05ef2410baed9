"""Artifacts of a CloudFormation action: template, configuration file, parameter overrides, and outputs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rehearsal.codepipeline.actions.context import Context
from rehearsal.codepipeline.artifacts import pack, read_member
from rehearsal.codepipeline.errors import ActionFailedError
from rehearsal.codepipeline.state import Artifact

TEMPLATE_BYTES = 1_000_000
CODE = "InvalidActionConfiguration"


@dataclass(frozen=True)
class TemplateInput:
    """Template, parameters and tags of a stack."""

    url: str
    parameters: Mapping[str, str]
    tags: Mapping[str, str]


def read_input(context: Context) -> TemplateInput:
    """Read the input artifacts; raise ActionFailedError when a file is missing or the role may not read it."""
    files = _Files(context)
    settings = _settings(context, files)
    parameters = {**settings.get("Parameters", {}), **_overrides(context, files)}
    url = _upload(context, files.content(context.configuration["TemplatePath"]))
    return TemplateInput(url, parameters, settings.get("Tags", {}))


def write_outputs(context: Context, text: str) -> tuple[Artifact, ...]:
    """Store the stack's outputs as the action's output artifact, when it has one."""
    if not context.run.action.outputs:
        return ()
    folder = context.scratch / "outputs"
    folder.mkdir()
    file = folder / context.configuration["OutputFileName"]
    file.write_text(text, encoding="utf-8")
    archive = context.scratch / "outputs.zip"
    pack(folder, [file], archive)
    return (context.store(context.run.action.outputs[0], archive, context.role),)


class _Files:
    """The input artifacts, each fetched once."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._archives: dict[str, Path] = {}

    def content(self, path: str) -> bytes:
        """Return the content of a file, given as Artifact::file."""
        artifact, _, name = path.partition("::")
        return self.member(artifact, name)

    def member(self, artifact: str, name: str) -> bytes:
        """Return the content of a file in an artifact."""
        if artifact not in {each.name for each in self._context.run.inputs}:
            raise ActionFailedError(f"'{artifact}' is not an input artifact of the action.", CODE)
        if artifact not in self._archives:
            self._archives[artifact] = self._context.fetch(self._context.input(artifact), self._context.role)
        return read_member(self._archives[artifact], name)


def _settings(context: Context, files: _Files) -> Mapping[str, Any]:
    path = context.configuration.get("TemplateConfiguration")
    if path is None:
        return {}
    settings: Mapping[str, Any] = json.loads(files.content(path))
    if unknown := sorted(set(settings) - {"Parameters", "Tags"}):
        raise ActionFailedError(f"The stand-in for CodePipeline does not support {unknown[0]} of {path}.", CODE)
    return settings


def _overrides(context: Context, files: _Files) -> dict[str, str]:
    text = context.configuration.get("ParameterOverrides", "{}")
    return {name: _override(context, files, value) for name, value in json.loads(text).items()}


def _override(context: Context, files: _Files, value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and list(value) == ["Fn::GetParam"]:
        artifact, name, key = value["Fn::GetParam"]
        return str(json.loads(files.member(artifact, name))[key])
    if isinstance(value, dict) and list(value) == ["Fn::GetArtifactAtt"]:
        artifact, attribute = value["Fn::GetArtifactAtt"]
        return _attribute(context.input(artifact), attribute)
    raise ActionFailedError(f"The stand-in for CodePipeline does not resolve {json.dumps(value)}.", CODE)


def _attribute(artifact: Artifact, name: str) -> str:
    known = {
        "BucketName": artifact.bucket,
        "ObjectKey": artifact.key,
        "URL": f"https://{artifact.bucket}.s3.amazonaws.com/{artifact.key}",
    }
    if name not in known:
        raise ActionFailedError(f"Artifacts have no attribute {name}; use one of {', '.join(known)}.", CODE)
    return known[name]


def _upload(context: Context, template: bytes) -> str:
    """Upload the template as CodePipeline itself does, because a request can have only 51,200 bytes; return its URL."""
    if len(template) > TEMPLATE_BYTES:
        raise ActionFailedError(f"The template has more than {TEMPLATE_BYTES} bytes, CloudFormation's limit.", CODE)
    target = context.output_location("template")
    context.aws.admin_client("s3", region=context.region).put_object(
        Bucket=target.bucket, Key=target.key, Body=template
    )
    return f"https://s3.{context.region}.amazonaws.com/{target.bucket}/{target.key}"
