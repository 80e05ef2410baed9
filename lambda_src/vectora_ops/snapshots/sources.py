"""What there is of an environment now, component by component, sorted by path and read only when asked."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, Literal, Protocol

from botocore.exceptions import ClientError

from vectora_core.aws_errors import is_absent
from vectora_core.config.publication import RECORD_KEY
from vectora_core.errors import VectoraError
from vectora_ops.account import Account
from vectora_ops.cloudformation import StackDefinition, Stacks
from vectora_ops.names import FUNCTION_TASKS, OPERATIONS_LAYER, STACK_LAYERS, Names
from vectora_ops.smoke import CANARY_PREFIXES
from vectora_ops.snapshots.downloads import download
from vectora_ops.snapshots.manifest import Component, canonical_json
from vectora_ops.snapshots.objects import NoSuchBucketError, ObjectReader, Response
from vectora_ops.snapshots.vault import CHUNK_BYTES
from vectora_ops.template_text import AssetReference, asset_references, parse_template

DataScope = Literal["last", "all"]
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


@dataclass(frozen=True, slots=True)
class Item:
    """Something that exists now. `sha256` is known for what is described by its digest or is at hand as `body`."""

    path: str
    size: int
    sha256: str | None = None
    body: bytes | None = None
    etag: str | None = None
    modified: str | None = None
    origin: str | None = None
    informative: bool = False

    @classmethod
    def document(cls, path: str, body: bytes, *, informative: bool = False) -> Item:
        sha256 = hashlib.sha256(body).hexdigest()
        return cls(path=path, size=len(body), sha256=sha256, body=body, informative=informative)


@dataclass(frozen=True, slots=True)
class Opened:
    """The bytes of an item in chunks of at most CHUNK_BYTES."""

    chunks: Iterator[bytes]
    version_id: str | None = None
    content_type: str | None = None


class Source(Protocol):
    """A component of an environment. `scope` is what the manifest must remember in order to look at the same again."""

    scope: Mapping[str, str]

    def items(self, after: str = "") -> Iterator[Item]:
        """Sorted by path, those after a path only."""

    def open(self, item: Item) -> Opened: ...


# --- buckets


class BucketSource:
    """Objects of one bucket below prefixes, which sort in the order given."""

    def __init__(
        self,
        account: Account,
        bucket: str,
        prefixes: tuple[str, ...],
        *,
        left_out: tuple[str, ...] = (),
        scope: Mapping[str, str] | None = None,
    ) -> None:
        """`scope` says from which key on a longer prefix is taken; objects below `left_out` are never taken."""
        self.bucket = bucket
        self.scope: Mapping[str, str] = dict(scope or {})
        self._s3 = account.client("s3")
        self._account = account
        self._prefixes = prefixes
        self._left_out = left_out

    @cached_property
    def _reader(self) -> ObjectReader:
        return ObjectReader(self._account, self.bucket)

    def items(self, after: str = "") -> Iterator[Item]:
        for prefix in self._prefixes:
            for item in self._below(prefix, after):
                start = self._start_of(item.path)
                if item.path >= start and not item.path.startswith(self._left_out):
                    yield item

    def open(self, item: Item) -> Opened:
        """The object at the version that was listed, also when it was replaced or deleted since."""
        first = self._read(item, 0)
        return Opened(self._chunks(item, first), first.version_id, first.content_type)

    def _chunks(self, item: Item, first: Response) -> Iterator[bytes]:
        yield first.body
        for start in range(CHUNK_BYTES, item.size, CHUNK_BYTES):
            yield self._read(item, start).body

    def _read(self, item: Item, start: int) -> Response:
        byte_range = (start, min(CHUNK_BYTES, item.size - start)) if item.size > CHUNK_BYTES else None
        response = self._reader.get(item.path, if_match=item.etag, byte_range=byte_range)
        if not response.found:
            version_id = self._version_listed(item)
            response = self._reader.get(item.path, version_id=version_id, byte_range=byte_range)
        if not response.found:
            raise _gone(self.bucket, item)
        return response

    def _version_listed(self, item: Item) -> str:
        pages = self._s3.get_paginator("list_object_versions").paginate(Bucket=self.bucket, Prefix=item.path)
        for page in pages:
            for version in page.get("Versions", []):
                if version["Key"] == item.path and version["ETag"].strip('"') == item.etag:
                    return str(version["VersionId"])
        raise _gone(self.bucket, item)

    def _start_of(self, path: str) -> str:
        return next((start for prefix, start in self.scope.items() if path.startswith(prefix)), "")

    def _below(self, prefix: str, after: str) -> Iterator[Item]:
        # A prefix whose days before a certain one are left out starts there, as far as one listing can tell.
        starts = [start for longer, start in self.scope.items() if longer.startswith(prefix)]
        start_after = max(after, starts[0] if len(starts) == 1 else "")
        try:
            for found in self._reader.listed(prefix, after=start_after):
                yield Item(path=found.key, size=found.size, etag=found.etag, modified=found.modified)
        except NoSuchBucketError:
            return


def _gone(bucket: str, item: Item) -> VectoraError:
    return VectoraError(
        f"s3://{bucket}/{item.path} changed while it was read, and the version that was listed is gone: try again."
    )


def last_runs(account: Account, bucket: str) -> dict[str, str]:
    """By prefix of stage and client, such as `curated/lai_weekly/`, the prefix of its newest day."""
    s3 = account.client("s3")
    found = {}
    for stage in ("curated/", "ingested/"):
        for client in _folders(s3, bucket, stage):
            if client.startswith(CANARY_PREFIXES):
                continue
            newest = client
            for digits in (4, 2, 2):
                names = [name for name in _folders(s3, bucket, newest) if _is_number(name, digits)]
                if not names:
                    newest = client
                    break
                newest = max(names)
            found[client] = newest
    return found


def _folders(s3: Any, bucket: str, prefix: str) -> list[str]:
    try:
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, Delimiter="/")
        return [found["Prefix"] for page in pages for found in page.get("CommonPrefixes", [])]
    except ClientError as error:
        if is_absent(error, "bucket"):
            return []
        raise


def _is_number(prefix: str, digits: int) -> bool:
    name = prefix.rstrip("/").rpartition("/")[2]
    return len(name) == digits and name.isdecimal()


# --- what deployments change


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
            sha256=_hex(found["CodeSha256"]),
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
            "CodeSha256": _hex(found["CodeSha256"]),
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


@dataclass(frozen=True)
class Layer:
    """A version of a layer in use; `sha256` is None for one whose bytes cannot be had.

    That is a version that was deleted, or a foreign one: the layer of another account, such as AWS's Powertools. A
    foreign version is known by its ARN, whose content never changes (Lambda guide, layers): a rollback attaches it
    again by that ARN. Nothing of it is read, because the environment's roles may read layers of their own account only.
    """

    arn: str
    name: str
    sha256: str | None
    size: int
    description: Mapping[str, Any]
    foreign: bool = False

    @property
    def reference(self) -> dict[str, str | None]:
        """Identity of this version."""
        return {"arn": self.arn} if self.foreign else {"name": self.name, "sha256": self.sha256}

    @property
    def path(self) -> str:
        if self.foreign:
            # No layer of this account has a colon in its name, so none is taken for it.
            owner, _, name, version = self.arn.split(":")[4:]
            return f"{owner}:{name}/{version}"
        return f"{self.name}/{self.sha256[:16] if self.sha256 else 'deleted-version'}"


class Environment:
    """One look at an environment: answers are kept, so that its parts agree with each other."""

    def __init__(self, account: Account, names: Names) -> None:
        self.account = account
        self.names = names
        # The operations stack holds the tool itself: a snapshot is taken while it is being deployed.
        self.stack_names = tuple(names.stack(layer) for layer in STACK_LAYERS if layer != OPERATIONS_LAYER)
        self._stacks = Stacks(account)
        self._functions: dict[str, dict[str, Any] | None] = {}
        self._layers: dict[str, Layer] = {}
        self._definitions: dict[str, StackDefinition | None] = {}
        self._resources: dict[str, Mapping[str, tuple[str, str]]] = {}

    def source(
        self, component: Component, *, data: DataScope = "last", scope: Mapping[str, str] | None = None
    ) -> Source:
        """`scope` is that of an earlier snapshot, in order to look at the same again."""
        config = self.names.bucket("config")
        match component:
            case "functions":
                return FunctionsSource(self)
            case "layers":
                return LayersSource(self)
            case "stacks":
                return StacksSource(self)
            case "release":
                return ReleaseSource(self)
            case "clients":
                return BucketSource(self.account, config, ("clients/",))
            case "canonical":
                return BucketSource(self.account, config, ("canonical/", RECORD_KEY))
            case "newsletters":
                return BucketSource(self.account, self.names.bucket("newsletters"), ("",), left_out=CANARY_PREFIXES)
            case "data":
                bucket = self.names.bucket("data")
                if scope is None:
                    scope = last_runs(self.account, bucket) if data == "last" else {}
                return BucketSource(
                    self.account, bucket, ("curated/", "ingested/"), left_out=CANARY_PREFIXES, scope=scope
                )

    def bucket_of(self, component: Component) -> str:
        """The bucket of a component whose entries are objects."""
        return self.names.bucket({"clients": "config", "canonical": "config"}.get(component, component))

    def stack(self, name: str) -> StackDefinition | None:
        if name not in self._definitions:
            self._definitions[name] = self._stacks.read(name)
        return self._definitions[name]

    def resources(self, name: str) -> Mapping[str, tuple[str, str]]:
        """By logical id the type and the physical id; empty when there is no such stack."""
        if name not in self._resources:
            self._resources[name] = self._stacks.resources(name) if self.stack(name) else {}
        return self._resources[name]

    def outputs(self, name: str) -> dict[str, str]:
        described = self._described(name) or {}
        return {each["OutputKey"]: each.get("OutputValue", "") for each in described.get("Outputs", [])}

    def moving_stacks(self) -> list[str]:
        """Stacks that CloudFormation is changing at this moment."""
        statuses = {name: (self._described(name) or {}).get("StackStatus", "") for name in self.stack_names}
        waiting = "REVIEW_IN_PROGRESS"  # for somebody to execute its first change set
        return [name for name, status in statuses.items() if status.endswith("_IN_PROGRESS") and status != waiting]

    def _described(self, name: str) -> dict[str, Any] | None:
        try:
            described: dict[str, Any] = self.account.client("cloudformation").describe_stacks(StackName=name)["Stacks"][
                0
            ]
        except ClientError as error:
            if is_absent(error, "stack"):
                return None
            raise
        return described

    def stack_of_function(self, name: str) -> tuple[str, str] | None:
        """Stack and logical id of a function, or None when it belongs to no stack."""
        for stack in self.stack_names:
            for logical_id, (kind, physical_id) in self.resources(stack).items():
                if kind == "AWS::Lambda::Function" and physical_id == name:
                    return stack, logical_id
        return None

    def function_names(self) -> list[str]:
        in_stacks = {
            physical_id
            for stack in self.stack_names
            for kind, physical_id in self.resources(stack).values()
            if kind == "AWS::Lambda::Function"
        }
        return sorted(in_stacks | {self.names.function(task) for task in FUNCTION_TASKS})

    def function(self, name: str) -> dict[str, Any] | None:
        if name not in self._functions:
            self._functions[name] = self._read_function(name)
        return self._functions[name]

    def _read_function(self, name: str) -> dict[str, Any] | None:
        try:
            answer: dict[str, Any] = self.account.client("lambda").get_function(FunctionName=name)
        except ClientError as error:
            if is_absent(error, "function"):
                return None
            raise
        # Lambda leaves out what the caller may not see and still answers 200: tags without lambda:ListTags, variables
        # without the right to decrypt them (GetFunctionResponse and EnvironmentResponse, botocore's model of Lambda).
        if withheld := answer.get("TagsError"):
            raise _incomplete(name, "tags", "lambda:ListTags", withheld)
        if withheld := answer["Configuration"].get("Environment", {}).get("Error"):
            raise _incomplete(name, "environment variables", "kms:Decrypt on its key", withheld)
        return answer

    def layers_in_use(self) -> list[Layer]:
        functions = (self.function(name) for name in self.function_names())
        arns = {each["Arn"] for found in functions if found for each in found["Configuration"].get("Layers", [])}
        return [self.layer(arn) for arn in sorted(arns)]

    def layer(self, arn: str) -> Layer:
        if arn not in self._layers:
            self._layers[arn] = self._read_layer(arn)
        return self._layers[arn]

    def layer_version(self, arn: str) -> Any:
        layer, _, number = arn.rpartition(":")
        return self.account.client("lambda").get_layer_version(LayerName=layer, VersionNumber=int(number))

    def _read_layer(self, arn: str) -> Layer:
        owner, _, name = arn.split(":")[4:7]
        if owner != self.account.account_id:
            note = {"note": "This layer is of another account: its bytes stay there, a rollback refers to it."}
            return Layer(arn, name, None, 0, note, foreign=True)
        try:
            answer = self.layer_version(arn)
        except ClientError as error:
            if not is_absent(error, "layer version"):
                raise
            return Layer(arn, name, None, 0, {"note": "This version was deleted: its bytes are gone."})
        decided = ("Description", "CompatibleRuntimes", "CompatibleArchitectures", "LicenseInfo")
        return Layer(
            arn=arn,
            name=name,
            sha256=_hex(answer["Content"]["CodeSha256"]),
            size=answer["Content"]["CodeSize"],
            description={key: answer[key] for key in decided if answer.get(key)},
        )

    def role(self, arn: str) -> str:
        """The role by the stack that defines it: its own name is generated, and another one after a restore."""
        name = arn.rpartition("/")[2]
        for stack in self.stack_names:
            for logical_id, (kind, physical_id) in self.resources(stack).items():
                if kind == "AWS::IAM::Role" and physical_id == name:
                    return f"{stack}/{logical_id}"
        return arn

    def release(self) -> str | None:
        ssm = self.account.client("ssm")
        try:
            return str(ssm.get_parameter(Name=self.names.parameter("release"))["Parameter"]["Value"])
        except ClientError as error:
            if is_absent(error, "parameter"):
                return None
            raise


def _incomplete(function: str, what: str, permission: str, error: Mapping[str, str]) -> VectoraError:
    reason = f"{error.get('ErrorCode', 'no code')}: {error.get('Message', 'no reason given')}"
    return VectoraError(
        f"Lambda does not tell the {what} of function {function} ({reason.rstrip('.')}): a snapshot or comparison "
        f"without them would be wrong. Grant {permission} to whoever runs this, then try again."
    )


def _hex(base64_digest: str) -> str:
    return base64.b64decode(base64_digest).hex()


def _withheld(name: str, value: str) -> str:
    if SECRET.search(name) and not NAMES_A_SECRET.search(name):
        return f"withheld, sha256 {hashlib.sha256(value.encode('utf-8')).hexdigest()[:16]}"
    return value


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value, default=str))
