"""A CloudFormation action's artifacts: template, configuration file, parameter overrides, and the outputs it writes."""

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
    """What a stack is made from."""

    url: str
    parameters: Mapping[str, str]
    tags: Mapping[str, str]


def read_input(context: Context) -> TemplateInput:
    """Raises ActionFailedError when the artifact lacks a file or the role may not read the artifact."""
    files = _Files(context)
    settings = _settings(context, files)
    parameters = {**settings.get("Parameters", {}), **_overrides(context, files)}
    url = _publish(context, files.text(context.configuration["TemplatePath"]))
    return TemplateInput(url, parameters, settings.get("Tags", {}))


def write_outputs(context: Context, text: str) -> tuple[Artifact, ...]:
    """The stack's outputs as the file that the action's output artifact is to hold."""
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

    def text(self, path: str) -> bytes:
        """Of Artifact::file."""
        artifact, _, name = path.partition("::")
        return self.member(artifact, name)

    def member(self, artifact: str, name: str) -> bytes:
        if artifact not in {each.name for each in self._context.run.inputs}:
            raise ActionFailedError(f"'{artifact}' is no input artifact of the action.", CODE)
        if artifact not in self._archives:
            self._archives[artifact] = self._context.fetch(self._context.input(artifact), self._context.role)
        return read_member(self._archives[artifact], name)


def _settings(context: Context, files: _Files) -> Mapping[str, Any]:
    path = context.configuration.get("TemplateConfiguration")
    if path is None:
        return {}
    settings: Mapping[str, Any] = json.loads(files.text(path))
    if unknown := sorted(set(settings) - {"Parameters", "Tags"}):
        raise ActionFailedError(f"The stand-in for CodePipeline does not apply {unknown[0]} of {path}.", CODE)
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
        raise ActionFailedError(f"Artifacts have no attribute {name}; there are {', '.join(known)}.", CODE)
    return known[name]


def _publish(context: Context, template: bytes) -> str:
    """CodePipeline hands the template on by itself; a request could hold 51,200 bytes only."""
    if len(template) > TEMPLATE_BYTES:
        raise ActionFailedError(f"The template has more than {TEMPLATE_BYTES} bytes, CloudFormation's limit.", CODE)
    place = context.place("template")
    context.aws.own("s3").put_object(Bucket=place.bucket, Key=place.key, Body=template)
    return f"https://s3.{context.aws.region}.amazonaws.com/{place.bucket}/{place.key}"
