"""Identity of a release: its version, its digest in each environment, and the digest of its content."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vectora_shared.errors import VectoraError

RELEASES_FILE = "releases.json"
# Variables that the pipeline's synth build exports, and the steps of its environments receive.
VERSION_VARIABLE, CONTENT_VARIABLE = "RELEASE_VERSION", "RELEASE_CONTENT_DIGEST"
AUDIT_VARIABLE = "RELEASE_AUDIT"
# Written by tools.supply_chain into the assembly.
AUDIT_FILE = "audit.json"


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
            raise VectoraError("The assembly is that of one environment: run cdk synth without --context env")
        digests = {digest_variable(env): digest for env, digest in self.digests.items()}
        return {VERSION_VARIABLE: self.version, CONTENT_VARIABLE: self.content_digest, **digests}


def digest_variable(env: str) -> str:
    return f"RELEASE_DIGEST_{env.upper()}"


def templates_digest(templates: Mapping[str, Any]) -> str:
    """Return SHA-256 over the canonical JSON of parsed templates."""
    canonical = json.dumps(templates, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode("utf-8")).hexdigest()


def write_releases(assembly: Path, releases: Releases) -> None:
    """Write the releases beside the templates of an assembly."""
    write_atomically(assembly / RELEASES_FILE, json.dumps(asdict(releases), indent=2) + "\n")


def read_releases(assembly: Path) -> Releases:
    """Return what `write_releases` wrote; raises VectoraError when there is nothing."""
    try:
        return Releases(**json.loads((assembly / RELEASES_FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise VectoraError(f"{assembly} has no {RELEASES_FILE}: run cdk synth first.") from error


def audit_state(assembly: Path) -> str:
    """Return `audited` when known vulnerabilities of all packages were looked up, otherwise `not-audited`."""
    try:
        state = json.loads((assembly / AUDIT_FILE).read_text(encoding="utf-8"))["state"]
    except (OSError, ValueError, TypeError, KeyError):
        return "not-audited"
    return "audited" if state == "audited" else "not-audited"


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
