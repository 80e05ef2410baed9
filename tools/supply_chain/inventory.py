"""Inventory of a release: the third-party packages of its layer and of its tools, as the lock files name them."""

from __future__ import annotations

import base64
import importlib.metadata
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from email.message import Message
from pathlib import Path
from typing import Any, Literal, cast

from packaging.markers import Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from tools.supply_chain.licences import declared_licence
from vectora_constructs.runtime import RUNTIME
from vectora_shared.errors import VectoraError

LAYER_LOCK = "lambda_src/requirements.txt"
TOOLS_LOCKS = ("requirements.txt", "requirements-dev.txt")
NPM_LOCK = "package-lock.json"
# Lambda's platform, for the markers of the layer's lock (packaging, environment markers).
_PYTHON = RUNTIME.removeprefix("python")
LAMBDA_ENVIRONMENT: Mapping[str, str] = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_machine": "aarch64",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "python_full_version": f"{_PYTHON}.0",
    "python_version": _PYTHON,
    "sys_platform": "linux",
    "extra": "",
}
_LOCKED = re.compile(r"^([A-Za-z0-9][\w.-]*)(?:\[[^]]*\])?==([^\s;\\]+)(?: ; ([^\\\n]+?))?[ \\]*$")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_NPM_ALGORITHMS = {"sha512": "SHA-512", "sha384": "SHA-384", "sha256": "SHA-256"}


@dataclass(frozen=True, order=True)
class Hash:
    """Digest of a file in which a package is distributed; a package may have several files."""

    algorithm: Literal["SHA-256", "SHA-384", "SHA-512"]
    digest: str


@dataclass(frozen=True, kw_only=True)
class Package:
    """A third-party package; `deployed` is true in the layer, and false for tools only.

    `licence` is what its metadata declares; `requires` are the names of those that it needs, in the same lock.
    """

    ecosystem: Literal["pypi", "npm"]
    name: str
    version: str
    licence: str
    hashes: tuple[Hash, ...]
    deployed: bool = False
    requires: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        return f"{self.name} {self.version} ({'layer' if self.deployed else 'tools'}, {self.ecosystem})"


@dataclass(frozen=True)
class _Entry:
    name: str
    version: str
    marker: str | None
    hashes: tuple[Hash, ...]


def inventory(root: Path) -> tuple[Package, ...]:
    """Return all packages, in order of ecosystem and name.

    Raises VectoraError when a locked package has no hash, or is not installed in this version: its metadata names
    the licence.
    """
    tools = [each for lock in TOOLS_LOCKS for each in locked(root / lock)]
    found = {each.name: each for each in _installed(tools)}
    for each in _installed(locked(root / LAYER_LOCK), LAMBDA_ENVIRONMENT):
        found[each.name] = replace(each, deployed=True)
    packages = [*found.values(), *_npm(root / NPM_LOCK)]
    return tuple(sorted(packages, key=lambda each: (each.ecosystem, each.name)))


def locked(lock: Path) -> Iterator[_Entry]:
    """Yield the entries of a lock file; raises VectoraError when one has no hash."""
    for block in re.split(r"\n(?=\S)", lock.read_text(encoding="utf-8").strip()):
        first, _, rest = block.partition("\n")
        found = _LOCKED.match(first)
        digests = tuple(sorted(Hash("SHA-256", each) for each in _HASH.findall(rest)))
        if found is None or not digests:
            raise VectoraError(f"{lock.name} has the entry '{first[:80]}', which is no version with hashes: make lock.")
        yield _Entry(canonicalize_name(found[1]), found[2], found[3], digests)


def _installed(entries: Iterable[_Entry], environment: Mapping[str, str] | None = None) -> Iterator[Package]:
    chosen = [each for each in entries if each.marker is None or Marker(each.marker).evaluate(_marked(environment))]
    names = {each.name for each in chosen}
    for entry in chosen:
        try:
            distribution = importlib.metadata.distribution(entry.name)
        except importlib.metadata.PackageNotFoundError as error:
            raise VectoraError(f"{entry.name} {entry.version} is locked and not installed: run make setup.") from error
        if distribution.version != entry.version:
            raise VectoraError(
                f"{entry.name} is installed in version {distribution.version} and locked in {entry.version}: run make "
                "setup."
            )
        yield Package(
            ecosystem="pypi",
            name=entry.name,
            version=entry.version,
            # Typed as a protocol, and documented as this (importlib.metadata).
            licence=declared_licence(cast(Message, distribution.metadata)),
            hashes=entry.hashes,
            requires=tuple(sorted(_required(distribution.requires or (), environment) & names)),
        )


def _marked(environment: Mapping[str, str] | None) -> dict[str, str]:
    return dict(environment) if environment else {"extra": ""}


def _required(requirements: Iterable[str], environment: Mapping[str, str] | None) -> set[str]:
    found = set()
    for text in requirements:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue
        if requirement.marker is None or requirement.marker.evaluate(_marked(environment)):
            found.add(str(canonicalize_name(requirement.name)))
    return found


def _npm(lock: Path) -> Iterator[Package]:
    packages: dict[str, Any] = json.loads(lock.read_text(encoding="utf-8"))["packages"]
    for path, entry in packages.items():
        if not path:
            continue
        name = path.rpartition("node_modules/")[2]
        algorithm, _, digest = str(entry.get("integrity", "")).partition("-")
        if algorithm not in _NPM_ALGORITHMS:
            raise VectoraError(f"{lock.name} has no integrity for {name}: npm could not verify it; lock it again.")
        yield Package(
            ecosystem="npm",
            name=name,
            version=entry["version"],
            licence=str(entry.get("license", "")),
            hashes=(Hash(_NPM_ALGORITHMS[algorithm], base64.b64decode(digest).hex()),),  # type: ignore[arg-type]
            requires=tuple(sorted(entry.get("dependencies", {}))),
        )
