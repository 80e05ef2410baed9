"""The example of docs/reference/vault-format.md: what the product's code writes, as Markdown and back."""

from __future__ import annotations

import re
from pathlib import Path

from tests.docs.vault_in_memory import NAMES, environment, fill_with_text, vault_objects
from vectora_ops.snapshots.catalog import pin
from vectora_ops.snapshots.manifest import Occasion
from vectora_ops.snapshots.take import SnapshotRequest, take_snapshot
from vectora_ops.snapshots.vault import Vault

DOCUMENT = Path(__file__).parents[2] / "docs" / "reference" / "vault-format.md"
BEGIN, END = "<!-- example: begin -->\n", "<!-- example: end -->\n"
FIRST_VERSION = Path(__file__).parent / "vault_of_version_1.md"
EXAMPLE = "stable_20260106_120005"
NO_NEWLINE = "(no newline at the end)"
KINDS = {"": "jsonl", ".json": "json", ".md": "markdown"}
OBJECT = re.compile(r"^`([^`\n]+)`[^\n]*?(\(no newline at the end\))?:\n\n~~~\w+\n(.*?)^~~~$", re.MULTILINE | re.DOTALL)


def main() -> None:
    """Write the example of the document anew."""
    before, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    DOCUMENT.write_text(f"{before}{BEGIN}{as_markdown(written_by_the_product())}{END}{after}", encoding="utf-8")


def written_by_the_product() -> dict[str, bytes]:
    """Return the vault, by key, after a snapshot of a small environment was taken and pinned."""
    request = SnapshotRequest(label="stable", occasion=Occasion(kind="operator"), owner="operator")
    with environment() as account:
        fill_with_text(account)
        manifest = take_snapshot(account, NAMES, request)
        pin(Vault(account, NAMES), manifest.name, "before the fair")
        return vault_objects(account)


def as_markdown(vault: dict[str, bytes]) -> str:
    return "".join(_as_markdown(key, body.decode("utf-8")) for key, body in vault.items())


def _as_markdown(key: str, text: str) -> str:
    ends = "" if text.endswith("\n") else f" {NO_NEWLINE}"
    kind = KINDS.get(Path(key).suffix, "text") if text.startswith(("{", "#")) else "text"
    return f"\n`{key}`{ends}:\n\n~~~{kind}\n{text if not ends else text + chr(10)}~~~\n"


def written_in_the_document(document: Path = DOCUMENT) -> dict[str, bytes]:
    """Return the vault of the example by key."""
    text = document.read_text(encoding="utf-8")
    example = text.partition(BEGIN)[2].partition(END)[0]
    return {
        key: (body[:-1] if no_newline else body).encode("utf-8") for key, no_newline, body in OBJECT.findall(example)
    }


if __name__ == "__main__":
    main()
