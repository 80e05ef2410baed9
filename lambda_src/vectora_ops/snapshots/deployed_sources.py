"""Functions, layers, stacks and release as sources of snapshot items."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from vectora_ops.cloudformation.definition import StackDefinition
from vectora_ops.cloudformation.templates import AssetReference, asset_references, parse_template
from vectora_ops.known_variables import KNOWN_VARIABLES, withheld
from vectora_ops.live_environment import Environment, Layer, hex_digest
from vectora_ops.record_history import read_histories
from vectora_ops.secret_names import may_hold_secret
from vectora_ops.snapshots.bucket_source import BucketSource
from vectora_ops.snapshots.downloads import download
from vectora_ops.snapshots.items import Item, ItemContent
from vectora_ops.snapshots.manifest import canonical_json

RELEASE_FILE, RECORDS_FILE = "release.json", "records.json"
# Fields of GetFunction's answer that a template sets. Lambda sets the others.
TEMPLATE_FIELDS = (
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
    """A component that is small enough to be listed in memory; each call of `items` reads it again."""

    def __init__(self) -> None:
        self.scope: Mapping[str, str] = {}

    def items(self, after: str = "") -> Iterator[Item]:
        return iter(sorted((item for item in self._read() if item.path > after), key=lambda item: item.path))

    @abstractmethod
    def _read(self) -> list[Item]: ...

    def open(self, item: Item) -> ItemContent:
        assert item.body is not None  # noqa: S101
        return ItemContent(iter([item.body]))

    def described(self, item: Item) -> ItemContent | None:
        return None

    def tags(self, item: Item, version_id: str | None = None) -> Mapping[str, str] | None:
        return None


class FunctionsSource(ListedSource):
    """Code and configuration of the functions."""

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
            self._configuration(name, answer),
            Item.document(f"{name}/as-read.json", canonical_json(_as_json(as_read)), informative=True),
        ]

    def _configuration(self, name: str, answer: Mapping[str, Any]) -> Item:
        defined, variables = self._as_defined(answer), self._variables(answer)
        item = Item.document(f"{name}/configuration.json", canonical_json(defined))
        earlier = canonical_json(
            {**defined, "Environment": {key: _withheld_by_name(key, value) for key, value in variables.items()}}
        )
        return replace(item, earlier=hashlib.sha256(earlier).hexdigest())

    def _shown(self, name: str, value: str) -> str:
        return value if name in KNOWN_VARIABLES else withheld(name, value, self._environment.withholding_key())

    def _variables(self, answer: Mapping[str, Any]) -> dict[str, str]:
        return dict(answer["Configuration"].get("Environment", {}).get("Variables", {}))

    def _as_defined(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        found = answer["Configuration"]
        layers = [self._environment.layer(each["Arn"]) for each in found.get("Layers", [])]
        return {
            **{key: found[key] for key in TEMPLATE_FIELDS if found.get(key)},
            "Role": self._environment.role(found["Role"]),
            "Environment": {key: self._shown(key, value) for key, value in self._variables(answer).items()},
            "CodeSha256": hex_digest(found["CodeSha256"]),
            "Layers": [layer.reference for layer in layers],
            "Tags": {key: value for key, value in answer.get("Tags", {}).items() if not key.startswith("aws:")},
            "ReservedConcurrency": answer.get("Concurrency", {}).get("ReservedConcurrentExecutions"),
        }

    def open(self, item: Item) -> ItemContent:
        if item.body is not None:
            return super().open(item)
        return ItemContent(
            download(self._environment.account, partial(self._download_url, item.path.partition("/")[0]))
        )

    def _download_url(self, name: str) -> str:
        return self._environment.code_address(name)


class LayersSource(ListedSource):
    """Layer versions that functions use, identified by content: version numbers change with each deployment."""

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

    def open(self, item: Item) -> ItemContent:
        if item.body is not None:
            return super().open(item)
        assert item.origin is not None  # noqa: S101
        return ItemContent(download(self._environment.account, partial(self._download_url, item.origin)))

    def _download_url(self, arn: str) -> str:
        return self._environment.layer_address(arn)


class StacksSource(ListedSource):
    """Template, parameters, tags and outputs of each stack, and the S3 objects that its template refers to."""

    def __init__(self, environment: Environment) -> None:
        super().__init__()
        self._environment = environment

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
        found = ((each, self._environment.remembered(each.arn, partial(self._listed, each))) for each in references)
        return [
            # A package is what its bytes are: no metadata is recorded with it.
            replace(item, path=f"{name}/assets/{item.path}", origin=reference.arn, has_metadata=False, all_tags=False)
            for reference, item in found
            if item is not None
        ]

    def _listed(self, reference: AssetReference) -> Item | None:
        source = self._source_of(reference)
        # Mostly one request finds the assets of all stacks.
        if (known := self._environment.remembered(source.bucket, source.all_items)) is not None:
            return known.get(reference.key)
        return next((item for item in source.items() if item.path == reference.key), None)

    def _source_of(self, reference: AssetReference) -> BucketSource:
        return BucketSource(self._environment.account, reference.bucket, (reference.key,))

    def open(self, item: Item) -> ItemContent:
        if item.body is not None:
            return super().open(item)
        assert item.origin is not None  # noqa: S101
        reference = AssetReference.of_arn(item.origin)
        return self._source_of(reference).open(replace(item, path=reference.key))


class ReleaseSource(ListedSource):
    """Record of the deployed release; absent before the first deployment.

    A snapshot keeps the promotion records beside it. They are compared with nothing, and no rollback writes them: a
    restore into another account does.
    """

    def __init__(self, environment: Environment, *, with_records: bool) -> None:
        super().__init__()
        self._environment = environment
        self._with_records = with_records

    def _read(self) -> list[Item]:
        value = self._environment.release()
        if value is None:
            return []
        items = [Item.document(RELEASE_FILE, value.encode("utf-8"))]
        account, names = self._environment.account, self._environment.names
        if self._with_records and (found := read_histories(account, names)):
            items.append(Item.document(RECORDS_FILE, canonical_json(found), informative=True))
        return items


def _withheld_by_name(name: str, value: str) -> str:
    """Return a variable as earlier versions recorded it, with which their snapshots are compared."""
    if may_hold_secret(name):
        return f"withheld, sha256 {hashlib.sha256(value.encode('utf-8')).hexdigest()[:16]}"
    return value


def _as_json(value: Any) -> Any:
    return json.loads(json.dumps(value, default=str))
