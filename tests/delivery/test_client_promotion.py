"""A client's file goes from stage to prod by itself: by the environments' own functions, under their permissions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.delivery.conftest import Played
from tests.delivery.test_commands import Vectora, vectora
from vectora_ops.names import BucketContent
from vectora_ops.records import Records
from vectora_shared.config.publication import RECORD_KEY, publish_client

__all__ = ["vectora"]
CLIENT = "clients/lai_weekly.yaml"
PROMOTE = ("client", "promote", "lai_weekly", "--from", "stage", "--to", "prod")


class Buckets:
    """The config buckets of stage and prod."""

    def __init__(self, played: Played) -> None:
        self.s3 = played.delivery.account().client("s3")
        self._played = played

    def name(self, env: str, content: BucketContent = "config") -> str:
        return self._played.delivery.names(env).bucket(content)

    def read(self, env: str, key: str = CLIENT) -> bytes:
        body: bytes = self.s3.get_object(Bucket=self.name(env), Key=key)["Body"].read()
        return body

    def put(self, env: str, key: str, body: bytes, content: BucketContent = "config") -> None:
        self.s3.put_object(Bucket=self.name(env, content), Key=key, Body=body)

    def deploy_to_stage(self, version: str, old: bytes, new: bytes) -> bytes:
        """The file as a release would bring it to stage, with one edit and another version."""
        body = self.read("stage")
        assert old in body
        before = body.partition(b'version: "')[2].partition(b'"')[0]
        edited = body.replace(old, new).replace(before, version.encode("ascii"))
        publish_client(self.s3, bucket=self.name("stage"), client_id="lai_weekly", body=edited)
        return edited


@pytest.fixture
def buckets(played: Played) -> Iterator[Buckets]:
    """As they were, for the tests that come after."""
    made = Buckets(played)
    kept = {(env, key): made.read(env, key) for env in ("stage", "prod") for key in (CLIENT, RECORD_KEY)}
    yield made
    for (env, key), body in kept.items():
        made.put(env, key, body)


def _status(vectora: Vectora, env: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(vectora("status", "--env", env, "--json").stdout)["environments"][0]
    return document


def test_a_file_is_judged_promoted_and_proven_and_every_record_shows_it(
    played: Played, vectora: Vectora, buckets: Buckets
) -> None:
    file = buckets.deploy_to_stage("9.1.0", b"max_items_total: 20", b"max_items_total: 3")
    refused = vectora(*PROMOTE, "--yes")
    assert refused.exit_code == 4
    assert "no newsletter with items by 9.1.0 in stage yet" in refused.output
    assert vectora("run", "lai_weekly", "--env", "stage", "--issue").exit_code == 0

    looked = vectora(*PROMOTE, "--dry-run")
    assert looked.exit_code == 0, looked.output
    assert "newsletter_selection.max_items_total" in looked.output
    assert buckets.read("prod") != file

    done = vectora(*PROMOTE, "--yes")
    assert done.exit_code == 0, done.output
    assert "prod has lai_weekly 9.1.0: its run made a draft with" in done.output
    assert buckets.read("prod") == file
    assert "the files are the same" in vectora("client", "diff", "lai_weekly", "--from", "stage", "--to", "prod").output
    status = _status(vectora, "prod")
    assert status["drift"] == []
    assert {each["note"] for each in status["clients"] if each["client_id"] == "lai_weekly"} == {
        "promoted by itself, ahead of the release"
    }
    listed = json.loads(vectora("release", "list", "--env", "prod", "--json").stdout)
    last = listed["clients"][0]
    assert (last["state"], last["version"], last["source"]) == ("promoted", "9.1.0", "stage")
    assert "-> 9.1.0 from stage" in vectora("release", "list", "--env", "prod").output
    assert vectora("snapshot", "show", last["snapshot"], "--env", "prod").exit_code == 0
    again = vectora(*PROMOTE, "--yes")
    assert again.exit_code == 3
    assert "prod has this very file" in again.output


def test_a_run_without_items_takes_the_file_back_by_itself(played: Played, vectora: Vectora, buckets: Buckets) -> None:
    before = buckets.read("prod")
    buckets.deploy_to_stage("9.2.0", b"min_score: 0.0", b"min_score: 50.0")
    # As if it had made a newsletter in stage, where other news was in.
    manifest = {
        "generation_date": datetime.now(UTC).isoformat(),
        "client_version": "9.2.0",
        "metrics": {"items": {"selected": 4}, "noise_estimate": 0.0, "cost_usd": 0.01},
    }
    key = f"lai_weekly/{datetime.now(UTC):%Y/%m}/01/manifest.json"
    buckets.put("stage", key, json.dumps(manifest).encode("utf-8"), "newsletters")

    failed = vectora(*PROMOTE, "--yes")
    assert failed.exit_code == 1
    assert "lai_weekly 9.2.0 was not promoted into prod: its newsletter has no items" in failed.output
    assert "All is again as in snapshot" in failed.output
    assert buckets.read("prod") == before
    assert _status(vectora, "prod")["drift"] == []
    assert (
        Records(played.delivery.account(), played.delivery.names("prod")).client_promotions()[-1].state == "rolled back"
    )
    buckets.s3.delete_object(Bucket=buckets.name("stage", "newsletters"), Key=key)


def test_an_edit_in_the_bucket_is_drift_and_is_not_promoted(vectora: Vectora, buckets: Buckets) -> None:
    buckets.put("stage", CLIENT, buckets.read("stage").replace(b"max_items_total: 20", b"max_items_total: 19"))
    assert "edited in the bucket since it was published" in " ".join(_status(vectora, "stage")["drift"])
    assert "Drift" in vectora("status", "--env", "stage").output
    refused = vectora(*PROMOTE, "--yes")
    assert refused.exit_code == 3
    assert "was edited in its bucket since it was published" in refused.output


@pytest.mark.parametrize(
    ("arguments", "sentence", "code"),
    [
        (("client", "promote", "lai_weekly", "--from", "dev", "--to", "prod"), "into prod from stage", 1),
        (("client", "promote", "lai_weekly", "--from", "prod", "--to", "dev"), "from a release only", 1),
        (("client", "promote", "lai_weekyl", "--from", "stage", "--to", "prod"), "did you mean 'lai_weekly'?", 1),
        (("client", "show", "lai_weekly", "--env", "qa"), "There is no environment 'qa'", 2),
        (("client", "validate", "--env", "qa"), "There is no environment 'qa'", 2),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_sentence(
    vectora: Vectora, arguments: tuple[str, ...], sentence: str, code: int
) -> None:
    refused = vectora(*arguments)
    assert refused.exit_code == code
    assert sentence in refused.output


def test_deployed_clients_are_listed_shown_and_compared(played: Played, vectora: Vectora) -> None:
    listed = json.loads(vectora("client", "list", "--env", "prod", "--json").stdout)
    assert [each["client_id"] for each in listed["clients"]] == ["canary", "lai_weekly"]
    assert "Watches" in vectora("client", "show", "lai_weekly", "--env", "stage").output
    pushed = str(played.delivery.repository.folder / "config")
    validated = vectora("client", "validate", "--env", "stage", "--config", pushed)
    assert validated.exit_code == 0, validated.output
