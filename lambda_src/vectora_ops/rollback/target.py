"""State of stacks that a rollback restores, read from a snapshot."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from vectora_ops.cloudformation.definition import FUNCTION, LAYER_VERSION, PARAMETER, StackDefinition
from vectora_ops.names import STACK_LAYERS
from vectora_ops.snapshots.index import Entry
from vectora_ops.snapshots.manifest import Component, Manifest
from vectora_ops.snapshots.vault import Vault


class Target:
    """Stacks of a snapshot, whose index is read from the vault once."""

    def __init__(self, vault: Vault, manifest: Manifest) -> None:
        self.vault = vault
        self.manifest = manifest
        self._entries = {entry.path: entry for entry, _ in vault.entries(manifest.components["stacks"])}

    @property
    def stacks(self) -> list[str]:
        """Names of the stacks, in the order of deployment."""
        recorded = {path.partition("/")[0] for path in self._entries}
        environment = (self.vault.names.stack(layer) for layer in STACK_LAYERS)
        return [name for name in environment if name in recorded]

    def function_names(self) -> list[str]:
        """Return the names of the functions in the snapshot, also of those in no stack."""
        entries = self.vault.entries(self.manifest.components["functions"])
        return sorted({entry.path.partition("/")[0] for entry, _ in entries})

    def definition(self, name: str) -> StackDefinition:
        described = self._json(f"{name}/stack.json")
        return StackDefinition(
            name=name,
            template=self.vault.bytes_of(self._entries[f"{name}/template"]).decode("utf-8"),
            parameters=described["parameters"],
            tags=described["tags"],
            capabilities=tuple(described["capabilities"]),
            role_arn=self._json(f"{name}/as-read.json")["role_arn"],
        )

    def resources(self, name: str) -> dict[str, tuple[str, str]]:
        """Return type and physical id by logical id."""
        return {key: (value[0], value[1]) for key, value in self._json(f"{name}/as-read.json")["resources"].items()}

    def assets(self, name: str) -> list[Entry]:
        return [entry for path, entry in self._entries.items() if path.startswith(f"{name}/assets/")]

    def affected_stacks(self, components: Iterable[Component]) -> list[str]:
        """Return the stacks that own resources of these components; all stacks for the component stacks."""
        wanted = set(components)
        if "stacks" in wanted:
            return self.stacks
        kinds = {
            kind
            for component, kind in (("functions", FUNCTION), ("layers", LAYER_VERSION), ("layers", FUNCTION))
            if component in wanted
        }
        release = self.vault.names.parameter("release")
        return [
            name
            for name in self.stacks
            if any(
                kind in kinds or ("release" in wanted and (kind, physical_id) == (PARAMETER, release))
                for kind, physical_id in self.resources(name).values()
            )
        ]

    def owner_of(self, kind: str, physical_id: str) -> tuple[str, str] | None:
        """Return stack and logical id of a resource; for layers `physical_id` is the layer's name."""
        for name in self.stacks:
            for logical_id, (found_kind, found_id) in self.resources(name).items():
                found_name = found_id.split(":")[6] if found_kind == LAYER_VERSION and ":" in found_id else found_id
                if (found_kind, found_name) == (kind, physical_id):
                    return name, logical_id
        return None

    def _json(self, path: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.vault.bytes_of(self._entries[path]))
        return document
