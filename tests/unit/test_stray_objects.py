"""Stray and look-alike objects decide nothing: one function says which keys are those of clients, issues and items."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cli.stray_objects import stray_keys, stray_sentence
from tests.unit.conftest import MemoryS3
from vectora_core.item_files import newest_day
from vectora_core.newsletter.earlier_issues import read_earlier_issues
from vectora_ops.names import CANARY_CLIENT, Names
from vectora_ops.promotion import facts
from vectora_ops.smoke import environment_has_canary
from vectora_shared.config.content import BucketContent
from vectora_shared.config.loading import client_ids, load_canonical
from vectora_shared.errors import VectoraError
from vectora_shared.keys import CLIENTS_PREFIX, client_key, client_of_key, day_of_items_key, day_of_manifest_key
from vectora_shared.storage import Bucket

ROOT = Path(__file__).resolve().parents[2]
NAMES = Names(project="vectora-inbox", env="prod")
CONFIG, LETTERS = NAMES.bucket("config"), NAMES.bucket("newsletters")
FILE = (ROOT / "config/clients/lai_weekly.yaml").read_bytes()
# A folder that the S3 console creates, copies, files of editors and file managers, and names that look alike.
STRAYS = (
    "clients/",
    "clients/.DS_Store",
    "clients/._lai_weekly.yaml",
    "clients/lai_weekly.yaml.bak",
    "clients/lai_weekly.yaml~",
    "clients/#lai_weekly.yaml#",
    "clients/lai_weekly.yaml ",
    "clients/lai_weekly.yaml\n",
    "clients/lai_weekly.yml",
    "clients/lai_weekly.YAML",
    "clients/lai_weekly (1).yaml",
    "clients/Lai_weekly.yaml",
    "clients/l\u0430i_weekly.yaml",  # a Cyrillic letter
    "clients/lai_weekl\u00fd.yaml",
    "clients/\u200blai_weekly.yaml",
    "clients/1lai.yaml",
    "clients/lai-weekly.yaml",
    "clients/.yaml",
    "clients//lai_weekly.yaml",
    "clients/archive/lai_weekly.yaml",
    "clients/lai_weekly.yaml/",
    "Clients/lai_weekly.yaml",
    "clients/lai_weekly\uff0eyaml",
)


class Account:
    """An account with S3 in memory."""

    def __init__(self, s3: MemoryS3) -> None:
        self._s3 = s3

    def client(self, service: str) -> Any:
        assert service == "s3"
        return self._s3


@pytest.fixture
def littered(s3: MemoryS3) -> MemoryS3:
    """A config bucket with one client, and stray objects that hold a client's file or nothing."""
    s3.put_object(Bucket=CONFIG, Key="clients/lai_weekly.yaml", Body=FILE)
    for number, key in enumerate(STRAYS):
        s3.put_object(Bucket=CONFIG, Key=key, Body=FILE if number % 2 else b"")
    return s3


@pytest.mark.parametrize("key", STRAYS)
def test_a_stray_key_is_no_clients_file(key: str) -> None:
    assert client_of_key(key) is None


@pytest.mark.parametrize("client_id", ["a", "lai_weekly", "lai_weekly_v7", "x1"])
def test_the_key_of_a_client_gives_its_id(client_id: str) -> None:
    assert client_of_key(client_key(client_id)) == client_id


def test_gates_and_runs_see_the_same_clients_in_a_littered_bucket(littered: MemoryS3) -> None:
    assert list(facts.client_files(Account(littered), NAMES)) == ["lai_weekly"]  # type: ignore[arg-type]
    assert client_ids(BucketContent(littered, CONFIG)) == ["lai_weekly"]  # type: ignore[arg-type]


def test_stray_prompts_do_not_stop_runs(s3: MemoryS3) -> None:
    for path in (ROOT / "config/canonical").rglob("*"):
        if path.is_file():
            s3.put_object(Bucket=CONFIG, Key=path.relative_to(ROOT / "config").as_posix(), Body=path.read_bytes())
    content = BucketContent(s3, CONFIG)  # type: ignore[arg-type]
    before = load_canonical(content)
    for name in (
        "",
        "._lai_analysis.yaml",
        "archive/lai_analysis.yaml",
        "Copy of lai.yaml",
        "lai.yaml.bak",
        ".DS_Store",
    ):
        s3.put_object(Bucket=CONFIG, Key=f"canonical/prompts/{name}", Body=b"\x00rubbish")

    assert load_canonical(content) == before


def test_a_key_that_begins_like_the_canarys_is_no_canary(s3: MemoryS3) -> None:
    s3.put_object(Bucket=CONFIG, Key=f"{client_key(CANARY_CLIENT)}.bak", Body=b"")
    assert not environment_has_canary(Account(s3), NAMES)  # type: ignore[arg-type]

    s3.put_object(Bucket=CONFIG, Key=client_key(CANARY_CLIENT), Body=b"")
    assert environment_has_canary(Account(s3), NAMES)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "path",
    [
        "2026/01/06/{file}.bak",
        "2026/01/06/{file}\n",
        "2026/01/06/{file}/",
        "2026/01/06/ {file}",
        "2026/02/30/{file}",
        "2026/1/6/{file}",
        "\u0662\u0660\u0662\u0666/01/06/{file}",
        "archive/2026/01/06/{file}",
        "2026/01/06/archive/{file}",
        "2026/01/06{file}",
        "x2026/01/06/{file}",
    ],
)
def test_a_stray_file_is_of_no_day(path: str) -> None:
    assert day_of_items_key("ingested/lai_weekly/" + path.format(file="items.json"), "ingested/lai_weekly/") is None
    assert day_of_manifest_key("lai_weekly/" + path.format(file="manifest.json"), "lai_weekly/") is None


def test_known_news_and_newest_days_ignore_copies_of_files(s3: MemoryS3) -> None:
    for key in ("archive/2026/01/07/manifest.json", "2026/01/08/manifest.json.bak", "2099/01/01/", "2099/01/01/x"):
        s3.put_object(Bucket=LETTERS, Key=f"lai_weekly/{key}", Body=b"not read")
    s3.put_object(Bucket=LETTERS, Key="lai_weekly/2026/01/06/manifest.json", Body=b'{"items": [{"item_id": "a"}]}')
    letters = Bucket(s3, LETTERS)  # type: ignore[arg-type]

    issues = read_earlier_issues(letters, "lai_weekly", date(2026, 2, 1), since=date(2026, 1, 1))
    assert (issues.published, issues.newest_day, issues.warnings) == (frozenset("a"), date(2026, 1, 6), ())
    s3.put_object(Bucket=LETTERS, Key="ingested/lai_weekly/archive/2026/01/07/items.json", Body=b"[]")
    with pytest.raises(VectoraError, match="has no items"):
        newest_day(letters, "ingested/lai_weekly/", "ingestion")


class Letters:
    """A newsletters bucket whose objects are new."""

    def __init__(self, objects: dict[str, bytes]) -> None:
        self.objects = objects

    def client(self, service: str) -> Any:
        return self

    def get_paginator(self, operation: str) -> Any:
        return self

    def paginate(self, **request: str) -> list[dict[str, Any]]:
        now = datetime.now(UTC)
        return [{"Contents": [{"Key": key, "LastModified": now} for key in sorted(self.objects)]}]

    def get_object(self, **request: str) -> dict[str, Any]:
        return {"Body": io.BytesIO(self.objects[request["Key"]])}


def test_a_copy_of_an_issue_counts_as_no_run() -> None:
    issue = b'{"generation_date": "2026-01-06T07:00:00+00:00", "metrics": {"items": {"selected": 3}}}'
    copies = ("lai_weekly/archive/2026/01/06/manifest.json", "lai_weekly/manifest.json", "Old/2026/x/manifest.json")
    objects = {"lai_weekly/2026/01/06/manifest.json": issue, **dict.fromkeys(copies, issue)}

    since = datetime.now(UTC) - timedelta(days=1)
    found = list(facts._runs(Letters(objects), NAMES, since))  # type: ignore[arg-type]

    assert [run.client_id for run in found] == ["lai_weekly"]


def test_stray_objects_are_named_and_what_belongs_there_is_not(littered: MemoryS3) -> None:
    keys = Bucket(littered, CONFIG).keys("")  # type: ignore[arg-type]
    published = {"clients/lai_weekly.yaml", "canonical/prompts/lai_analysis.yaml"}
    others = ["published.json", "clients/new_client.yaml", "canonical/prompts/lai_analysis.yaml"]

    assert set(stray_keys([*keys, *others], published)) == set(STRAYS)
    assert stray_keys(["canonical/", "notes.txt", *others], ()) == ("canonical/", "notes.txt")


def test_the_sentence_on_stray_objects_shows_what_cannot_be_seen() -> None:
    one = stray_sentence("bucket", ["clients/l\u0430i.yaml "])
    assert one == "s3://bucket holds 'clients/l\\u0430i.yaml ', which nothing reads"
    many = stray_sentence("bucket", [f"{CLIENTS_PREFIX}{number}" for number in range(12)])
    assert "and 2 more" in many
