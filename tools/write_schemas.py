"""Writes the JSON schemas of documents that others read, from the models that write them."""

from __future__ import annotations

import json
from pathlib import Path

from vectora_ops.snapshots.manifest import Manifest

ROOT = Path(__file__).resolve().parent.parent
SCHEMAS = {"snapshot-manifest-1.json": Manifest}


def schema_text(name: str) -> str:
    """The schema file as it must be in config/schemas/."""
    return json.dumps(SCHEMAS[name].model_json_schema(by_alias=True), indent=2, sort_keys=True) + "\n"


def main() -> None:
    for name in SCHEMAS:
        (ROOT / "config" / "schemas" / name).write_text(schema_text(name), encoding="utf-8")
        print(f"config/schemas/{name}")


if __name__ == "__main__":
    main()
