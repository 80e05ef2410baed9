"""The assembly that a build of the pipeline wrote, read from its artifact and trusted in nothing."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from typing import Any

from vectora_shared.errors import VectoraError

MANIFEST = "manifest.json"
STACK, NESTED, ASSETS = "aws:cloudformation:stack", "cdk:cloud-assembly", "cdk:asset-manifest"
# Descriptions for people, which decide nothing (cloud-assembly-schema, ArtifactType).
DESCRIPTIONS = ("cdk:tree", "cdk:feature-flag-report")
# Far more than a build writes: what is larger would only fill the function's memory.
LARGEST_FILE, LARGEST_ASSEMBLY = 64 * 1024 * 1024, 256 * 1024 * 1024
_OBJECT_KEY = re.compile(r"[0-9a-f]{64}\.(?:zip|json)")
Template = Mapping[str, Any]


class ForgedAssemblyError(VectoraError):
    """The assembly is none that this pipeline's build writes; no approval makes it acceptable."""


@dataclass(frozen=True)
class Asset:
    """A file that is published: its key in the bootstrap's bucket, and its path in the assembly."""

    key: str
    path: str


class Assembly:
    """Files of an assembly; `pipeline` is the name of the pipeline and of its stack.

    Methods raise ForgedAssemblyError for an assembly that does not fit.
    """

    def __init__(self, archive: bytes, pipeline: str) -> None:
        self.pipeline = pipeline
        self._content_digests: dict[str, str] = {}
        try:
            self._zip = zipfile.ZipFile(BytesIO(archive))
        except zipfile.BadZipFile as error:
            raise ForgedAssemblyError("The artifact of the build is no zip file.") from error
        self._sizes = {each.filename: each.file_size for each in self._zip.infolist() if not each.is_dir()}
        if len(self._sizes) != sum(not each.is_dir() for each in self._zip.infolist()):
            raise ForgedAssemblyError("The artifact of the build contains a file twice.")
        if sum(self._sizes.values()) > LARGEST_ASSEMBLY or max(self._sizes.values(), default=0) > LARGEST_FILE:
            raise ForgedAssemblyError("The artifact of the build is larger than any assembly of this project.")

    @property
    def names(self) -> tuple[str, ...]:
        """Paths of all files."""
        return tuple(sorted(self._sizes))

    def read(self, name: str) -> bytes:
        """Return the content of a file."""
        if name not in self._sizes:
            raise ForgedAssemblyError(f"The assembly has no file {name}.")
        return self._zip.read(name)

    def digest(self, name: str) -> str:
        """Return SHA-256 of a file's content."""
        return hashlib.sha256(self.read(name)).hexdigest()

    def document(self, name: str) -> dict[str, Any]:
        """Return the content of a JSON file."""
        try:
            found = json.loads(self.read(name))
        except ValueError as error:
            raise ForgedAssemblyError(f"{name} of the assembly is no JSON.") from error
        if not isinstance(found, dict):
            raise ForgedAssemblyError(f"{name} of the assembly is no JSON object.")
        return found

    @cached_property
    def _artifacts(self) -> dict[str, Any]:
        return dict(self.document(MANIFEST).get("artifacts") or {})

    @cached_property
    def pipeline_template(self) -> Template:
        """The pipeline's template, which `cdk deploy` deploys with the stacks that it depends on.

        These are the stacks with copies of the artifacts in other regions (stacks/artifact_copies.py).
        """
        for name in self.own_stacks:
            if name != self.pipeline and not name.startswith(f"{self.pipeline}-copies-"):
                raise ForgedAssemblyError(f"The assembly's own stacks include {name}, which is none of the pipeline's.")
            known = {f"{name}.assets", *self.own_stacks, *(f"{each}.assets" for each in self.own_stacks)}
            unknown = sorted(set(self._artifacts[name].get("dependencies", ())) - known)
            if unknown:
                raise ForgedAssemblyError(f"Stack {name} depends on {unknown[0]}, which would be deployed with it.")
        return self.own_template(self.pipeline)

    @cached_property
    def own_stacks(self) -> tuple[str, ...]:
        """Names of the stacks that are not those of an environment."""
        return tuple(key for key, each in self._artifacts.items() if each.get("type") == STACK)

    def own_template(self, stack: str) -> Template:
        """Return the template of one of the assembly's own stacks.

        The CDK CLI deploys what is stored at the manifest's address, and uploads the file only when nothing is
        (aws-cdk-cli, template-body-parameter.ts): both have to be the same.
        """
        properties = self._artifacts.get(stack, {}).get("properties") or {}
        file = str(properties.get("templateFile"))
        if file != f"{stack}.template.json" or properties.get("stackName", stack) != stack:
            raise ForgedAssemblyError(f"The manifest names another template than {stack}.template.json for {stack}.")
        address = str(properties.get("stackTemplateAssetObjectUrl"))
        if address.rpartition("/")[2] != f"{self.digest(file)}.json":
            raise ForgedAssemblyError(f"The manifest gives an address for {file} that has another content: {address}.")
        return self.document(file)

    @property
    def deployment_settings(self) -> dict[str, Any]:
        """All else that decides how these stacks are deployed, without the addresses of their templates."""
        settings = {key: each for key, each in self._artifacts.items() if each.get("type") not in DESCRIPTIONS}
        for name in self.own_stacks:
            properties = dict(settings[name].get("properties") or {})
            properties.pop("stackTemplateAssetObjectUrl", None)
            settings[name] = {**settings[name], "properties": properties}
        return settings

    def assets(self) -> Iterator[Asset]:
        """Yield every file that is published; an asset that a command or Docker would make is refused."""
        for name in self.names:
            if name.endswith(".assets.json"):
                yield from self._assets_of(name)

    def _assets_of(self, name: str) -> Iterator[Asset]:
        document = self.document(name)
        if document.get("dockerImages"):
            raise ForgedAssemblyError(f"{name} builds a Docker image: this project has none.")
        folder = name.rpartition("/")[0]
        for entry in (document.get("files") or {}).values():
            source = entry.get("source") or {}
            if set(source) != {"path", "packaging"} or source["packaging"] != "file":
                raise ForgedAssemblyError(f"{name} publishes what is no file of the assembly: {json.dumps(source)}.")
            path = _joined(folder, str(source["path"]))
            if path not in self._sizes:
                raise ForgedAssemblyError(f"{name} publishes {source['path']}, which is not in the assembly.")
            for destination in (entry.get("destinations") or {}).values():
                key = str(destination.get("objectKey"))
                if not _OBJECT_KEY.fullmatch(key):
                    raise ForgedAssemblyError(f"{name} publishes {source['path']} as {key}, which is no digest.")
                if key.endswith(".json") and key != f"{self.digest(path)}.json":
                    raise ForgedAssemblyError(f"{name} publishes {source['path']} as {key}, the digest of another one.")
                yield Asset(key, path)

    def content_digest(self, path: str) -> str:
        """Return the digest of a file; of a zip file, of the names and contents in it.

        A zip file of the same content has other bytes when another machine compresses it.
        """
        if not path.endswith(".zip"):
            return self.digest(path)
        # Several environments publish the same packages.
        if path not in self._content_digests:
            self._content_digests[path] = self._digest_of_zip(path)
        return self._content_digests[path]

    def _digest_of_zip(self, path: str) -> str:
        digest = hashlib.sha256()
        total = 0
        try:
            with zipfile.ZipFile(BytesIO(self.read(path))) as archive:
                for entry in sorted(archive.infolist(), key=lambda each: each.filename):
                    total += entry.file_size
                    if total > LARGEST_ASSEMBLY:
                        raise ForgedAssemblyError(f"{path} is larger than any package of this project.")
                    content = archive.read(entry)
                    digest.update(f"{entry.filename}\0{len(content)}\0".encode())
                    digest.update(content)
        except zipfile.BadZipFile as error:
            raise ForgedAssemblyError(f"{path} of the assembly is no zip file.") from error
        return digest.hexdigest()


def _joined(folder: str, path: str) -> str:
    """Return a path relative to a folder as a path in the assembly; one that leads out of it names no file."""
    parts: list[str] = folder.split("/") if folder else []
    for part in path.split("/"):
        if part == "..":
            if not parts:
                return ".."
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)
