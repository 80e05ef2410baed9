"""Releases of the model: what a commit brings into each environment."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from tests.model.memory_cloudformation import CONFIGURATION
from vectora_ops.names import EnvName, Names, StackLayer

CONFIG = Path(__file__).resolve().parents[2] / "config"
CLIENT = "lai_weekly"
CLIENT_KEY = f"clients/{CLIENT}.yaml"
BODY = (CONFIG / CLIENT_KEY).read_bytes()
VERSION = BODY.partition(b'version: "')[2].partition(b'"')[0]
ASSETS = "assets"
NAMES: dict[EnvName, Names] = {env: Names(project="vectora-inbox", env=env) for env in ("dev", "stage", "prod")}
TAGS = [{"Key": "Project", "Value": "vectora-inbox"}]


@dataclass(frozen=True)
class Release:
    """A release: its number identifies its content. Settings of an environment are not part of the content."""

    number: int
    settings: int = 0
    # What its runs are like; a person who pushes it does not know.
    smoke_test_works: bool = True
    runs_work: bool = True

    @property
    def version(self) -> str:
        return f"{self.number}.0.0"

    @property
    def client_version(self) -> str:
        return f"{50 + self.number}.0.0"

    @property
    def content_digest(self) -> str:
        return hashlib.sha256(f"content {self.number}".encode()).hexdigest()

    @property
    def commit(self) -> str:
        return hashlib.sha1(f"{self}".encode(), usedforsecurity=False).hexdigest()

    def digest(self, env: str) -> str:
        return hashlib.sha256(f"{self.number} {self.settings} {env}".encode()).hexdigest()

    def with_settings(self, settings: int) -> Release:
        return replace(self, settings=settings)

    # --- what is deployed

    @property
    def client_file(self) -> bytes:
        return client_file(self.client_version)

    def code(self, task: str) -> bytes:
        return zipped("handler.py", f"{task} {self.number}")

    @property
    def layer(self) -> bytes:
        return zipped("core.py", f"{self.number}")

    def assets(self) -> dict[str, bytes]:
        """Return the objects that its stacks take their code and their configuration from."""
        files = {f"{task}-{self.number}.zip": self.code(task) for task in ("normalize-score-v2", "ingest-v2")}
        return {**files, f"layer-{self.number}.zip": self.layer, f"config-{self.number}.zip": archive(self)}

    def template(self, env: EnvName, layer: StackLayer) -> str:
        match layer:
            case "s1-runtime":
                return json.dumps(self._runtime(NAMES[env]))
            case "s1-ingest-v2":
                return json.dumps(self._ingest(NAMES[env]))
        return json.dumps(_core(NAMES[env]) if layer == "s0-core" else _iam())

    def _runtime(self, names: Names) -> dict[str, Any]:
        content = {"ContentBucket": ASSETS, "ContentKey": f"config-{self.number}.zip", "Digest": self.content_digest}
        release = {"digest": self.digest(names.env), "version": self.version}
        layer = {"LayerName": names.layer("vectora-core"), "Content": _asset(f"layer-{self.number}.zip")}
        return {
            "Resources": {
                "Layer": {"Type": "AWS::Lambda::LayerVersion", "Properties": layer},
                "LayerParameter": _parameter(names.parameter("layers/vectora-core"), {"Ref": "Layer"}),
                "Function": self._function(names, "normalize-score-v2", {"Ref": "Layer"}),
                "Configuration": {
                    "Type": CONFIGURATION,
                    "Properties": {**content, "Bucket": names.bucket("config")},
                },
                "Release": _parameter(names.parameter("release"), json.dumps(release)),
            }
        }

    def _ingest(self, names: Names) -> dict[str, Any]:
        layer = {
            "Type": "AWS::SSM::Parameter::Value<String>",
            "Default": names.parameter("layers/vectora-core"),
        }
        function = self._function(names, "ingest-v2", {"Ref": "Layer"})
        return {"Parameters": {"Layer": layer}, "Resources": {"Function": function}}

    def _function(self, names: Names, task: Any, layer: Any) -> dict[str, Any]:
        return {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "FunctionName": names.function(task),
                "Code": _asset(f"{task}-{self.number}.zip"),
                "Layers": [layer],
                "Environment": {"Variables": {"ENV": names.env, "SETTINGS": str(self.settings)}},
            },
        }


@cache
def zipped(name: str, text: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as files:
        files.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), text)
    return buffer.getvalue()


@cache
def client_file(version: str) -> bytes:
    return BODY.replace(VERSION, version.encode())


@cache
def configuration(number: int) -> dict[str, bytes]:
    """Return the files of the repository's configuration, with the release's version of the client's file."""
    paths = [path for folder in ("canonical", "clients") for path in (CONFIG / folder).rglob("*.*")]
    files = {path.relative_to(CONFIG).as_posix(): path.read_bytes() for path in sorted(paths)}
    return {**files, CLIENT_KEY: Release(number).client_file}


@cache
def archive(release: Release) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as files:
        for key, body in configuration(release.number).items():
            files.writestr(zipfile.ZipInfo(key, (1980, 1, 1, 0, 0, 0)), body)
    return buffer.getvalue()


def _asset(key: str) -> dict[str, str]:
    return {"S3Bucket": ASSETS, "S3Key": key}


def _parameter(name: str, value: Any) -> dict[str, Any]:
    return {"Type": "AWS::SSM::Parameter", "Properties": {"Name": name, "Type": "String", "Value": value}}


def _core(names: Names) -> dict[str, Any]:
    contents = ("config", "data", "newsletters")
    buckets = {each: {"BucketName": names.bucket(each)} for each in contents}  # type: ignore[arg-type]
    return {
        "Resources": {
            f"{key.capitalize()}Bucket": {"Type": "AWS::S3::Bucket", "Properties": properties}
            for key, properties in buckets.items()
        }
    }


def _iam() -> dict[str, Any]:
    return {"Resources": {"EngineRole": {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "any"}}}}
