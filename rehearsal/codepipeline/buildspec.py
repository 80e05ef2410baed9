"""Buildspecs of version 0.2; features that the stand-in does not execute are refused by name."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import yaml

from rehearsal.codepipeline.errors import ActionFailedError

PHASES = ("install", "pre_build", "build", "post_build")
OnFailure = Literal["ABORT", "CONTINUE"]


@dataclass(frozen=True)
class Phase:
    """A phase; `finally_commands` run also when other commands failed."""

    name: str
    commands: tuple[str, ...]
    finally_commands: tuple[str, ...]
    on_failure: OnFailure | None


@dataclass(frozen=True)
class Files:
    """Files of an artifact, by patterns below a folder."""

    patterns: tuple[str, ...]
    base_directory: str


@dataclass(frozen=True)
class Buildspec:
    """A parsed buildspec; `secondary` artifacts are by their identifier."""

    phases: tuple[Phase, ...]
    variables: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    exported: tuple[str, ...] = ()
    primary: Files | None = None
    secondary: Mapping[str, Files] = field(default_factory=dict)
    runtime_versions: Mapping[str, str] = field(default_factory=dict)


def read(text: str, where: str) -> Buildspec:
    """Parse a buildspec; raise ActionFailedError when it is invalid or has a feature that is not executed."""
    document = _mapping(_parsed(text, where), where)
    _only(document, ("version", "env", "phases", "artifacts"), where)
    if str(document.get("version")) != "0.2":
        raise _refusal(where, f"version {document.get('version')}")
    environment = _mapping(document.get("env", {}), f"{where}: env")
    _only(environment, ("variables", "parameter-store", "exported-variables", "shell"), f"{where}: env")
    if environment.get("shell", "bash") != "bash":
        raise _refusal(where, f"env: shell {environment['shell']}")
    phases = _mapping(document.get("phases", {}), f"{where}: phases")
    _only(phases, PHASES, f"{where}: phases")
    artifacts = _mapping(document.get("artifacts", {}), f"{where}: artifacts")
    secondary = _mapping(artifacts.get("secondary-artifacts", {}), f"{where}: secondary-artifacts")
    install = _mapping(phases.get("install", {}), f"{where}: install")
    return Buildspec(
        phases=tuple(_phase(name, phases[name], where) for name in PHASES if name in phases),
        variables=_texts(environment.get("variables", {})),
        parameters=_texts(environment.get("parameter-store", {})),
        exported=tuple(environment.get("exported-variables", [])),
        primary=_files(artifacts, where) if "files" in artifacts else None,
        secondary={name: _files(each, where) for name, each in secondary.items()},
        runtime_versions=_texts(install.get("runtime-versions", {})),
    )


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text) if text.lstrip().startswith("{") else yaml.safe_load(text)
    except (ValueError, yaml.YAMLError) as error:
        raise ActionFailedError(f"YAML_FILE_ERROR: {where} is not valid: {error}", "BuildspecError") from error


def _phase(name: str, document: Any, where: str) -> Phase:
    phase = _mapping(document, f"{where}: {name}")
    known = ("commands", "finally", "on-failure", *(("runtime-versions",) if name == "install" else ()))
    _only(phase, known, f"{where}: phase {name}")
    on_failure = phase.get("on-failure")
    if on_failure not in (None, "ABORT", "CONTINUE"):
        raise _refusal(where, f"on-failure {on_failure} of phase {name}")
    return Phase(name, _commands(phase.get("commands", [])), _commands(phase.get("finally", [])), on_failure)


def _commands(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(str(each) for each in value)


def _files(document: Any, where: str) -> Files:
    artifact = _mapping(document, f"{where}: artifacts")
    # CodePipeline names artifacts itself, so `name` has no effect on AWS either.
    _only(artifact, ("files", "base-directory", "name", "secondary-artifacts"), f"{where}: artifacts")
    return Files(_commands(artifact["files"]), str(artifact.get("base-directory", ".")))


def _mapping(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ActionFailedError(f"YAML_FILE_ERROR: {where} is not a mapping.", "BuildspecError")
    return value


def _texts(value: Mapping[str, Any]) -> dict[str, str]:
    return {str(name): str(each) for name, each in value.items()}


def _only(document: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    if unknown := sorted(set(document) - set(known)):
        raise _refusal(where, unknown[0])


def _refusal(where: str, feature: str) -> ActionFailedError:
    message = f"{where} contains '{feature}', which the stand-in for CodeBuild does not execute."
    return ActionFailedError(message, "BuildspecError")
