"""The vault's specification suffices to read what the product writes; its example is what the product writes."""

from __future__ import annotations

import ast
import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs import vault_reader
from tests.docs.vault_example import (
    DOCUMENT,
    EXAMPLE,
    FIRST_VERSION,
    written_by_the_product,
    written_in_the_document,
)
from tests.docs.vault_in_memory import (
    LAST_RUN,
    NAMES,
    RELEASE,
    VAULT,
    environment,
    fill_with_stacks,
    fill_with_text,
    put,
    vault_objects,
    zipped,
)
from tests.docs.vault_reader import IncompleteError, ReadError, Snapshot, UnknownVersionError, canonical, read_snapshot
from vectora_ops.account import Account
from vectora_ops.known_variables import withheld
from vectora_ops.live_environment import Environment
from vectora_ops.rollback.content import Restored, restore_objects
from vectora_ops.snapshots import part_ends
from vectora_ops.snapshots.compare import between_snapshots, with_live
from vectora_ops.snapshots.components import source_in_scope
from vectora_ops.snapshots.lease import LEASE, RENEW_AFTER
from vectora_ops.snapshots.manifest import Manifest, Occasion
from vectora_ops.snapshots.part_ends import LONGEST_PART
from vectora_ops.snapshots.take import SnapshotRequest, take_snapshot
from vectora_ops.snapshots.vault import Vault
from vectora_ops.snapshots.verify import verify_vault
from vectora_ops.withholding_key import withholding_key

MIB = 1024 * 1024
PAGE = {"Bucket": NAMES.bucket("newsletters"), "Key": "lai_weekly/2026/01/06/newsletter.html"}
MANIFEST = f"snapshots/{EXAMPLE}/manifest.json"


@pytest.fixture
def account() -> Iterator[Account]:
    with environment() as account:
        yield account


def take(account: Account, label: str = "good") -> str:
    request = SnapshotRequest(label=label, occasion=Occasion(kind="operator"))
    return take_snapshot(account, NAMES, request).name


def read(account: Account, name: str) -> Snapshot:
    return read_snapshot(vault_objects(account).get, name)


def resealed(**changes: object) -> dict[str, bytes]:
    """Return the example's vault with a manifest that agrees with its own digest again."""
    vault = written_in_the_document()
    manifest = {**json.loads(vault[MANIFEST]), **changes}
    del manifest["digest"]
    digest = hashlib.sha256(canonical(manifest)).hexdigest()
    return {**vault, MANIFEST: canonical({**manifest, "digest": digest})}


def test_the_second_reader_knows_nothing_of_the_product() -> None:
    tree = ast.parse(Path(vault_reader.__file__).read_text(encoding="utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    modules = {node.module for node in imports if isinstance(node, ast.ImportFrom)}
    modules |= {alias.name for node in imports if isinstance(node, ast.Import) for alias in node.names}

    assert {str(module).partition(".")[0] for module in modules} <= sys.stdlib_module_names


# --- the example of the document


def test_the_example_is_what_the_product_writes() -> None:
    assert written_in_the_document() == written_by_the_product(), "run: python -m tests.docs.vault_example"


def test_the_second_reader_reads_the_example() -> None:
    snapshot = read_snapshot(written_in_the_document().get, EXAMPLE)

    assert {
        component: {path: item.body.decode("utf-8") for path, item in items.items()}
        for component, items in snapshot.items.items()
        if items
    } == {
        "release": {"release.json": RELEASE},
        "clients": {"clients/lai_weekly.yaml": "client_profile:\n  client_id: lai_weekly\n"},
        "canonical": {"canonical/prompts/p.yaml": "prompt: one\n", "published.json": '{\n  "state": "published"\n}\n'},
        "data": {f"{LAST_RUN}items.json": '["news of 06"]\n'},
        "newsletters": {
            "lai_weekly/2026/01/06/newsletter.html": "<h1>Café</h1>\n",
            "lai_weekly/2026/01/06/newsletter.md": "# Café\n",
            "lai_weekly/2026/01/06/notes.md": "",
        },
    }


def test_the_product_finds_the_example_intact(account: Account) -> None:
    for key, body in written_in_the_document().items():
        account.client("s3").put_object(Bucket=VAULT, Key=key, Body=body)

    verified = verify_vault(Vault(account, NAMES))

    assert [(each.snapshot, each.problems) for each in verified] == [(EXAMPLE, ())]


# --- the first version


def stored_by_the_first_version(account: Account) -> Manifest:
    for key, body in written_in_the_document(FIRST_VERSION).items():
        account.client("s3").put_object(Bucket=VAULT, Key=key, Body=body)
    return Vault(account, NAMES).manifest(EXAMPLE)


def restore_newsletters(account: Account, manifest: Manifest) -> Restored:
    source = source_in_scope(Environment(account, NAMES), manifest, "newsletters")
    record = manifest.components["newsletters"]
    return restore_objects(account, Vault(account, NAMES), record, source, PAGE["Bucket"], keep_alive=lambda: None)


def test_both_readers_read_a_vault_of_the_first_version(account: Account) -> None:
    stored_by_the_first_version(account)

    read = read_snapshot(written_in_the_document(FIRST_VERSION).get, EXAMPLE)
    verified = verify_vault(Vault(account, NAMES))

    assert read.manifest["schema"] == "vectora-snapshot/1"
    assert [(each.snapshot, each.problems) for each in verified] == [(EXAMPLE, ())]


def test_what_the_first_version_did_not_record_is_neither_a_difference_nor_undone(account: Account) -> None:
    s3, vault = account.client("s3"), Vault(account, NAMES)
    first = stored_by_the_first_version(account)
    fill_with_text(account)
    s3.put_object(**PAGE, Body=b"<h1>Caf\xc3\xa9</h1>\n", CacheControl="no-store", Tagging="a=b")

    second = vault.manifest(take(account))
    assert list(with_live(vault, Environment(account, NAMES), first)) == []
    assert list(between_snapshots(vault, first, second)) == []
    assert restore_newsletters(account, first) == Restored(written=0, deleted=0)
    assert s3.get_object_tagging(**PAGE)["TagSet"] == [{"Key": "a", "Value": "b"}]

    # The next snapshot records it.
    s3.delete_object(**PAGE)
    assert restore_newsletters(account, second) == Restored(written=1, deleted=0)
    assert s3.get_object(**PAGE)["CacheControl"] == "no-store"
    assert s3.get_object_tagging(**PAGE)["TagSet"] == [{"Key": "a", "Value": "b"}]


def test_an_entry_of_the_first_version_is_restored_with_its_content_type(account: Account) -> None:
    restore_newsletters(account, stored_by_the_first_version(account))

    page = account.client("s3").get_object(**PAGE)
    assert (page["ContentType"], page["Body"].read()) == ("text/html; charset=utf-8", b"<h1>Caf\xc3\xa9</h1>\n")


def test_the_example_holds_no_object_that_the_snapshot_does_not_need() -> None:
    vault = written_in_the_document()
    folder = {f"snapshots/{EXAMPLE}/{file}" for file in ("manifest.json", "README.md", "pinned.json")}

    assert {f"objects/{each}" for each in read_snapshot(vault.get, EXAMPLE).objects} | folder == set(vault)


def test_the_document_states_the_numbers_of_the_code() -> None:
    document = DOCUMENT.read_text(encoding="utf-8")

    assert f"| Entries in an index part | at most {LONGEST_PART:,} |" in document
    assert f"| Life of a lease | {LEASE.total_seconds():.0f} s |" in document
    assert f"| Renewal of a lease | after {RENEW_AFTER.total_seconds():.0f} s |" in document


# --- what must not be read


def test_every_flipped_bit_is_noticed() -> None:
    vault = written_in_the_document()
    for key in sorted(vault.keys() - {f"snapshots/{EXAMPLE}/pinned.json"}):
        body = vault[key]
        for position in range(len(body)):
            flipped = body[:position] + bytes([body[position] ^ 1]) + body[position + 1 :]
            with pytest.raises(ReadError):
                read_snapshot({**vault, key: flipped}.get, EXAMPLE)


def test_every_missing_object_is_noticed() -> None:
    vault = written_in_the_document()
    for key in sorted(vault.keys() - {f"snapshots/{EXAMPLE}/pinned.json"}):
        with pytest.raises(ReadError):
            read_snapshot({other: body for other, body in vault.items() if other != key}.get, EXAMPLE)


def test_a_snapshot_without_a_manifest_is_incomplete() -> None:
    vault = written_in_the_document()
    del vault[MANIFEST]

    with pytest.raises(IncompleteError):
        read_snapshot(vault.get, EXAMPLE)


@pytest.mark.parametrize("change", [{"schema": "vectora-snapshot/3"}, {"new": 1}])
def test_a_format_that_is_not_known_is_refused_by_both_readers(account: Account, change: dict[str, object]) -> None:
    vault = resealed(**change)
    for key, body in vault.items():
        account.client("s3").put_object(Bucket=VAULT, Key=key, Body=body)

    with pytest.raises(UnknownVersionError if "schema" in change else ReadError):
        read_snapshot(vault.get, EXAMPLE)
    (problem,) = verify_vault(Vault(account, NAMES))[0].problems
    assert (problem.kind, problem.name) == ("damaged", MANIFEST)


# --- what the product writes


def test_the_second_reader_gets_what_the_products_own_reader_gets(account: Account) -> None:
    fill_with_text(account)
    fill_with_stacks(account)
    put(account, "newsletters", 'odd/"quoted"\\\u2028é\x7f', b"odd")
    name = take(account)

    snapshot = read(account, name)

    vault = Vault(account, NAMES)
    manifest = vault.manifest(name)
    for component, record in manifest.components.items():
        own = {entry.path: vault.bytes_of(entry) for entry, _ in vault.entries(record)}
        assert own == {path: item.body for path, item in snapshot.items[component].items()}
    assert all(items for items in snapshot.items.values())
    assert snapshot.objects == {found.sha256 for found in vault.objects()}


def test_stacks_functions_and_layers_are_described_as_the_document_says(account: Account) -> None:
    fill_with_stacks(account)
    items = read(account, take(account)).items
    stack, function, layer = NAMES.stack("s1-ingest-v2"), NAMES.function("ingest-v2"), NAMES.layer("vectora-core")
    code, content = (
        zipped("handler.py", "def lambda_handler(event, context): ...\n"),
        zipped("python/core.py", "X = 1\n"),
    )
    version = f"{layer}/{hashlib.sha256(content).hexdigest()[:16]}"

    assert set(items["stacks"]) == {
        f"{stack}/{file}" for file in ("template", "stack.json", "as-read.json", "assets/code.zip", "assets/layer.zip")
    }
    assert set(items["functions"]) == {f"{function}/{f}" for f in ("code.zip", "configuration.json", "as-read.json")}
    assert set(items["layers"]) == {f"{version}/{file}" for file in ("content.zip", "layer.json", "as-read.json")}
    assert items["stacks"][f"{stack}/assets/code.zip"].entry["origin"] == "arn:aws:s3:::assets/code.zip"
    assert items["functions"][f"{function}/code.zip"].body == code
    assert items["layers"][f"{version}/content.zip"].body == content
    configuration = json.loads(items["functions"][f"{function}/configuration.json"].body)
    assert configuration["CodeSha256"] == hashlib.sha256(code).hexdigest()
    assert configuration["Layers"] == [{"name": layer, "sha256": hashlib.sha256(content).hexdigest()}]
    assert configuration["Environment"] == {
        "ENV": "dev",
        "API_TOKEN": withheld("API_TOKEN", "hidden", withholding_key(account, NAMES)),
    }
    informative = {path for each in items.values() for path, item in each.items() if item.entry.get("informative")}
    assert informative == {f"{folder}/as-read.json" for folder in (stack, function, version)}


def test_files_are_packed_and_cut_at_the_sizes_of_the_document(account: Account) -> None:
    sizes = {"a": MIB - 1, "b": MIB - 1, "c": MIB, "d": 8 * MIB, "e": 8 * MIB + 1, "f": 0}
    bodies = {key: key.encode() * size for key, size in sizes.items()}
    for key, body in bodies.items():
        put(account, "newsletters", key, body)

    items = read(account, take(account)).items["newsletters"]

    slices = {key: [each[1:] for each in items[key].entry["slices"]] for key in sizes}
    assert {key: item.body for key, item in items.items()} == bodies
    assert slices == {
        "a": [[0, MIB - 1]],
        "b": [[MIB - 1, MIB - 1]],
        "c": [[0, MIB]],
        "d": [[0, 8 * MIB]],
        "e": [[0, 8 * MIB], [0, 1]],
        "f": [],
    }
    assert items["a"].entry["slices"][0][0] == items["b"].entry["slices"][0][0]


def test_an_index_of_several_parts_is_read(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part_ends, "SHORTEST_PART", 1)
    monkeypatch.setattr(part_ends, "LONGEST_PART", 2)
    for number in range(5):
        put(account, "newsletters", f"lai_weekly/{number}.md", b"news" * number)

    snapshot = read(account, take(account))

    assert [part["entries"] for part in snapshot.manifest["components"]["newsletters"]["parts"]] == [2, 2, 1]
    assert len(snapshot.items["newsletters"]) == 5


def test_a_second_snapshot_shares_the_objects_of_the_first(account: Account) -> None:
    fill_with_text(account)
    first = read(account, take(account))
    put(account, "newsletters", "lai_weekly/2026/01/13/newsletter.md", b"# More\n")

    second = read(account, take(account, "next"))

    assert second.items["clients"] == first.items["clients"]
    assert len(second.objects - first.objects) == 3  # the file, its component's index, the list of references
