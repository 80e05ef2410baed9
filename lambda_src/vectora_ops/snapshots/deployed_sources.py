"""Functions, layers, stacks and release as sources of snapshot items."""

from __future__ import annotations

import hashlib
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from vectora_ops.cloudformation.stacks import StackDefinition
from vectora_ops.cloudformation.templates import AssetReference, asset_references, parse_template
from vectora_ops.live_environment import Environment, Layer, hex_digest
from vectora_ops.snapshots.bucket_source import BucketSource
from vectora_ops.snapshots.downloads import download
from vectora_ops.snapshots.items import Item, Opened
from vectora_ops.snapshots.manifest import canonical_json

# Variables by whose name alone one must expect a secret; those that name where a secret lies are none.
SECRET = re.compile(r"(SECRET|TOKEN|PASSWORD|PASSWD|CREDENTIAL|PRIVATE|API_?KEY)", re.IGNORECASE)
NAMES_A_SECRET = re.compile(r"_(PARAM|PARAMETER|NAME|ARN)$", re.IGNORECASE)
# Of GetFunction's answer: what a template decides. The rest is the service's own.
DECIDED = (
    "FunctionName",
    "Description",
    "Runtime",
    "Handler",
    "PackageType",
    "Architectures",
    "MemorySize",
    "Timeout",
    "EphemeralStorage",
    "TracingConfig",
    "LoggingConfig",
    "DeadLetterConfig",
    "KMSKeyArn",
    "FileSystemConfigs",
)


class ListedSource(ABC):
    """A component that is small enough to be read at once; `items` reads it anew each time."""

    def __init__(self) -> None:
        self.scope: Mapping[str, str] = {}

    def items(self, after: str = "") -> Iterator[Item]:
        return iter(sorted((item for item in self._read() if item.path > after), key=lambda item: item.path))

    @abstractmethod
    def _read(self) -> list[Item]: ...

    def open(self, item: Item) -> Opened:
        assert item.body is not None  # noqa: S101
        return Opened(iter([item.body]))


class FunctionsSource(ListedSource):
    def __init__(self, environment: Environment) -> None:
        super().__init__()
        self._environment = environment

    def _read(self) -> list[Item]:
        return [item for name in self._environment.function_names() for item in self._function(name)]

    def _function(self, name: str) -> list[Item]:
        answer = self._environment.function(name)
        if answer is None:
            return []
        found = answer["Configuration"]
        code = Item(
            path=f"{name}/code.zip",
            size=found["CodeSize"],
            sha256=hex_digest(found["CodeSha256"]),
            origin=found["FunctionArn"],
        )
        as_read = {key: value for key, value in found.items() if key != "Environment"}
        return [
            code,
            Item.document(f"{name}/configuration.json", canonical_json(self._decided(answer))),
            Item.document(f"{name}/as-read.json", canonical_json(_plain(as_read)), informative=True),
        ]

    def _decided(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        found = answer["Configuration"]
        layers = [self._environment.layer(each["Arn"]) for each in found.get("Layers", [])]
        return {
            **{key: found[key] for key in DECIDED if found.get(key)},
            "Role": self._environment.role(found["Role"]),
            "Environment": {
                key: _withheld(key, value) for key, value in found.get("Environment", {}).get("Variables", {}).items()
            },
            "CodeSha256": hex_digest(found["CodeSha256"]),
            "Layers": [layer.reference for layer in layers],
            "Tags": {key: value for key, value in answer.get("Tags", {}).items() if not key.startswith("aws:")},
            "ReservedConcurrency": answer.get("Concurrency", {}).get("ReservedConcurrentExecutions"),
        }

    def open(self, item: Item) -> Opened:
        if item.body is not None:
            return super().open(item)
        return Opened(download(self._environment.account, partial(self._location, item.path.partition("/")[0])))

    def _location(self, name: str) -> str:
        found = self._environment.account.client("lambda").get_function(FunctionName=name)
        return str(found["Code"]["Location"])


class LayersSource(ListedSource):
    """Every version of a layer that a function uses, told apart by content: numbers change with each deployment."""

    def __init__(self, environment: Environment) -> None:
        super().__init__()
        self._environment = environment

    def _read(self) -> list[Item]:
        by_content = {layer.path: layer for layer in self._environment.layers_in_use()}
        return [item for layer in by_content.values() for item in self._items(layer)]

    def _items(self, layer: Layer) -> list[Item]:
        described = {**layer.reference, **layer.description}
        items = [
            Item.document(f"{layer.path}/layer.json", canonical_json(described)),
            Item.document(f"{layer.path}/as-read.json", canonical_json({"arn": layer.arn}), informative=True),
        ]
        if layer.sha256 is not None:
            items.append(Item(path=f"{layer.path}/content.zip", size=layer.size, sha256=layer.sha256, origin=layer.arn))
        return items

    def open(self, item: Item) -> Opened:
        if item.body is not None:
            return super().open(item)
        assert item.origin is not None  # noqa: S101
        return Opened(download(self._environment.account, partial(self._location, item.origin)))

    def _location(self, arn: str) -> str:
        return str(self._environment.layer_version(arn)["Content"]["Location"])


class StacksSource(ListedSource):
    """Template, parameters, tags, outputs of each stack, and the S3 objects its template takes code or content from."""

    def __init__(self, environment: Environment) -> None:
        super().__init__()
        self._environment = environment
        self._buckets: dict[str, BucketSource] = {}

    def _read(self) -> list[Item]:
        return [item for name in self._environment.stack_names for item in self._stack(name)]

    def _stack(self, name: str) -> list[Item]:
        definition = self._environment.stack(name)
        if definition is None:
            return []
        described = {
            "parameters": dict(definition.parameters),
            "tags": dict(definition.tags),
            "capabilities": sorted(definition.capabilities),
        }
        as_read = {
            "role_arn": definition.role_arn,
            "outputs": self._environment.outputs(name),
            "resources": {key: list(value) for key, value in self._environment.resources(name).items()},
        }
        return [
            Item.document(f"{name}/template", definition.template.encode("utf-8")),
            Item.document(f"{name}/stack.json", canonical_json(described)),
            Item.document(f"{name}/as-read.json", canonical_json(as_read), informative=True),
            *self._assets(name, definition),
        ]

    def _assets(self, name: str, definition: StackDefinition) -> list[Item]:
        account = self._environment.account
        references = asset_references(
            parse_template(definition.template),
            parameters=definition.parameters,
            account_id=account.account_id,
            region=account.region,
        )
        found = ((reference, self._listed(reference)) for reference in references)
        return [
            replace(item, path=f"{name}/assets/{item.path}", origin=f"arn:aws:s3:::{reference.bucket}/{reference.key}")
            for reference, item in found
            if item is not None
        ]

    def _listed(self, reference: AssetReference) -> Item | None:
        listed = self._bucket(reference.bucket, reference.key).items()
        return next((item for item in listed if item.path == reference.key), None)

    def _bucket(self, bucket: str, key: str) -> BucketSource:
        return BucketSource(self._environment.account, bucket, (key,))

    def open(self, item: Item) -> Opened:
        if item.body is not None:
            return super().open(item)
        assert item.origin is not None  # noqa: S101
        bucket, _, key = item.origin.removeprefix("arn:aws:s3:::").partition("/")
        return self._bucket(bucket, key).open(replace(item, path=key))


class ReleaseSource(ListedSource):
    """The record of what is deployed; absent before the first deployment."""

    def __init__(self, environment: Environment) -> None:
        super().__init__()
        self._environment = environment

    def _read(self) -> list[Item]:
        value = self._environment.release()
        return [] if value is None else [Item.document("release.json", value.encode("utf-8"))]


def _withheld(name: str, value: str) -> str:
    if SECRET.search(name) and not NAMES_A_SECRET.search(name):
        return f"withheld, sha256 {hashlib.sha256(value.encode('utf-8')).hexdigest()[:16]}"
    return value


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value, default=str))
