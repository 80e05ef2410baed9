"""Releases in a synthesized assembly: the digest of each environment's templates, written into those templates."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stacks.assets.packages import LambdaPlatform, dependencies_digest
from stacks.assets.release import PLACEHOLDER, Release, Releases, templates_digest, write_atomically, write_releases
from stacks.assets.version import version_of

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class _Stack:
    name: str
    template_file: str
    asset_manifest_file: str


def record_releases(
    assembly: Path,
    environments: Mapping[str, Path],
    *,
    root: Path,
    platform: LambdaPlatform,
    content_digest: str | None = None,
) -> Releases:
    """Write the release of the checkout at `root` into the synthesized templates, and beside them.

    `environments` are the folders in `assembly` with the stacks of each environment. Calling it again changes nothing.
    """
    version = version_of(root)
    same_assets = assets_of_lambda(root, platform)
    digests = {env: _stamp(folder, version, same_assets).digest for env, folder in environments.items()}
    releases = Releases(version=version, digests=digests, content_digest=content_digest)
    write_releases(assembly, releases)
    return releases


def neutral_templates(folder: Path, same_assets: Mapping[str, str]) -> dict[str, Any]:
    """Return the templates in an assembly's folder by stack name, as they are before a release is written into them.

    `same_assets` are hashes of assets, and those that replace them in the templates' digest.
    """
    texts = _texts(folder)
    stamped = _stamped_release(texts.values())
    return {stack.name: json.loads(_neutral(text, stamped, same_assets)) for stack, text in texts.items()}


def assets_of_lambda(root: Path, platform: LambdaPlatform) -> dict[str, str]:
    """Return this machine's asset hashes with those of Lambda: a rehearsed release has the digest that it has on AWS.

    An asset's hash is the SHA-256 of the digest given for it (aws-cdk-lib, asset-staging.ts, calculateHash).
    """
    if platform == "lambda":
        return {}
    return {_sha256(dependencies_digest(root, platform)): _sha256(dependencies_digest(root, "lambda"))}


def _stamp(folder: Path, version: str, same_assets: Mapping[str, str]) -> Release:
    """Write the release into the templates of one environment, and update the hashes by which they are published.

    The CDK CLI deploys a template from the address in the manifest and uploads it only when there is no object of that
    name yet (aws-cdk-cli, template-body-parameter.ts and cdk-assets-lib, handlers/files.ts). The name is the SHA-256 of
    the template's text (aws-cdk-lib, stack-synthesizer.ts, stackTemplateFileAsset).
    """
    release = Release(version, templates_digest(neutral_templates(folder, same_assets)))
    texts = _texts(folder)
    stamped = _stamped_release(texts.values())
    manifest_path = folder / MANIFEST
    manifest = manifest_path.read_text(encoding="utf-8")
    # The CLI refuses an assembly without its manifest, so that an interruption leaves none that mixes two releases.
    manifest_path.unlink()
    for stack, text in texts.items():
        written = _with_release(_neutral(text, stamped, {}), release)
        if written == text:
            continue
        write_atomically(folder / stack.template_file, written)
        assets_path = folder / stack.asset_manifest_file
        assets = assets_path.read_text(encoding="utf-8")
        write_atomically(assets_path, _with_template_hash(assets, stack.template_file, _sha256(written)))
        manifest = manifest.replace(_sha256(text), _sha256(written))
    write_atomically(manifest_path, manifest)
    return release


def _texts(folder: Path) -> dict[_Stack, str]:
    """Return the text of each template in an assembly's folder."""
    return {stack: (folder / stack.template_file).read_text(encoding="utf-8") for stack in _stacks(folder)}


def _stacks(folder: Path) -> Iterator[_Stack]:
    artifacts = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["artifacts"]
    for artifact_id, artifact in artifacts.items():
        if artifact["type"] != "aws:cloudformation:stack":
            continue
        properties = artifact["properties"]
        yield _Stack(
            name=properties.get("stackName", artifact_id),
            template_file=properties["templateFile"],
            asset_manifest_file=artifacts[f"{artifact_id}.assets"]["properties"]["file"],
        )


def _stamped_release(texts: Iterable[str]) -> Release | None:
    """Return the release that was written into the templates before; None when they have the placeholders."""
    [before, between, after] = (
        re.escape(part) for part in re.split("@release-[a-z]+@", _escaped(PLACEHOLDER.as_json()))
    )
    pattern = re.compile(rf'{before}([0-9a-f]{{64}}){between}([^"\\]+){after}')
    found = (pattern.search(text) for text in texts)
    return next((Release(version=match[2], digest=match[1]) for match in found if match), None)


def _neutral(text: str, stamped: Release | None, same_assets: Mapping[str, str]) -> str:
    if stamped:
        text = text.replace(_escaped(stamped.as_json()), _escaped(PLACEHOLDER.as_json()))
        text = text.replace(stamped.digest, PLACEHOLDER.digest)
    for digest, stands_for in same_assets.items():
        text = text.replace(digest, stands_for)
    return text


def _with_release(text: str, release: Release) -> str:
    return text.replace(PLACEHOLDER.digest, release.digest).replace(PLACEHOLDER.version, release.version)


def _escaped(text: str) -> str:
    """Return the text as it stands within a JSON string."""
    return json.dumps(text)[1:-1]


def _with_template_hash(assets: str, template_file: str, new_hash: str) -> str:
    """Return the text of an asset manifest in which the template has its new hash, as CDK would have written it."""
    files = json.loads(assets)["files"]
    [(old_hash, entry)] = [each for each in files.items() if each[1]["source"].get("path") == template_file]
    for destination_id, destination in entry["destinations"].items():
        renamed = {**destination, "objectKey": destination["objectKey"].replace(old_hash, new_hash)}
        # A destination's id ends with a hash of it (aws-cdk-lib, asset-manifest-builder.ts, addFileAsset).
        new_id = destination_id.replace(_destination_hash(destination), _destination_hash(renamed))
        assets = assets.replace(destination_id, new_id)
    return assets.replace(old_hash, new_hash)


def _destination_hash(destination: Mapping[str, str]) -> str:
    return _sha256(json.dumps(destination, separators=(",", ":"), ensure_ascii=False))[:8]


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
