"""Identity of a release: a digest of the templates of each environment, written into a synthesized assembly."""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from stacks.assets.packages import LambdaPlatform, dependencies_digest
from stacks.assets.version import version_of
from vectora_shared.errors import VectoraError

MANIFEST = "manifest.json"
RELEASES_FILE = "releases.json"
# Variables that the pipeline's synth build exports, and the steps of its environments receive.
VERSION_VARIABLE, CONTENT_VARIABLE = "RELEASE_VERSION", "RELEASE_CONTENT_DIGEST"


@dataclass(frozen=True)
class Release:
    """A release in one environment; `digest` is 64 hex digits."""

    version: str
    digest: str

    def as_json(self) -> str:
        return json.dumps({"digest": self.digest, "version": self.version}, sort_keys=True)


# The values with which stacks are built: a digest of templates is known only after they are synthesized.
PLACEHOLDER = Release(version="@release-version@", digest="@release-digest@")


@dataclass(frozen=True, kw_only=True)
class Releases:
    """The release of one checkout; `digests` are by environment.

    `content_digest` identifies what all environments share. It is known when the pipeline was synthesized.
    """

    version: str
    digests: Mapping[str, str]
    content_digest: str | None = None

    def variables(self) -> dict[str, str]:
        """Return the variables of the pipeline's build; raises VectoraError when the pipeline was not synthesized."""
        if self.content_digest is None:
            raise VectoraError("The assembly is that of one environment: run cdk synth without --context env=...")
        digests = {digest_variable(env): digest for env, digest in self.digests.items()}
        return {VERSION_VARIABLE: self.version, CONTENT_VARIABLE: self.content_digest, **digests}


def digest_variable(env: str) -> str:
    return f"RELEASE_DIGEST_{env.upper()}"


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
    """Write the release of the checkout at `root` into the synthesized templates, and into RELEASES_FILE.

    `environments` are the folders in `assembly` with the stacks of each environment. Calling it again changes nothing.
    """
    version = version_of(root)
    same_assets = assets_of_lambda(root, platform)
    digests = {env: _stamp(folder, version, same_assets).digest for env, folder in environments.items()}
    releases = Releases(version=version, digests=digests, content_digest=content_digest)
    write_atomically(assembly / RELEASES_FILE, json.dumps(asdict(releases), indent=2) + "\n")
    return releases


def read_releases(assembly: Path) -> Releases:
    """Return what `record_releases` wrote; raises VectoraError when there is nothing."""
    try:
        return Releases(**json.loads((assembly / RELEASES_FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise VectoraError(f"{assembly} has no {RELEASES_FILE}: run cdk synth first.") from error


def templates_digest(templates: Mapping[str, Any]) -> str:
    """Return SHA-256 over the canonical JSON of parsed templates."""
    canonical = json.dumps(templates, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode("utf-8")).hexdigest()


def neutral_templates(folder: Path, same_assets: Mapping[str, str]) -> dict[str, Any]:
    """Return the templates in an assembly's folder by stack name, as they are before a release is written into them.

    `same_assets` are hashes of assets, and those that replace them in the templates' digest.
    """
    texts = {stack.name: (folder / stack.template_file).read_text(encoding="utf-8") for stack in _stacks(folder)}
    stamped = _stamped_release(texts)
    return {name: json.loads(_neutral(text, stamped, same_assets)) for name, text in texts.items()}


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
    stacks = list(_stacks(folder))
    texts = {stack: (folder / stack.template_file).read_text(encoding="utf-8") for stack in stacks}
    stamped = _stamped_release({stack.name: text for stack, text in texts.items()})
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


def _stamped_release(texts: Mapping[str, str]) -> Release | None:
    """Return the release that was written into the templates before; None when they have the placeholders."""
    [before, between, after] = (
        re.escape(part) for part in re.split("@release-[a-z]+@", _escaped(PLACEHOLDER.as_json()))
    )
    pattern = re.compile(rf'{before}([0-9a-f]{{64}}){between}([^"\\]+){after}')
    found = (pattern.search(text) for text in texts.values())
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


def write_atomically(path: Path, text: str) -> None:
    """Write a whole file or nothing."""
    with tempfile.NamedTemporaryFile(
        "w", dir=path.parent, suffix=".partial", encoding="utf-8", newline="\n", delete=False
    ) as stream:
        partial = Path(stream.name)
        try:
            stream.write(text)
            stream.close()
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
