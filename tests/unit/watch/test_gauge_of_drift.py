"""Gauge of drift: what was changed by hand, not counted during a deployment or a rollback."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.docs.vault_in_memory import NAMES, RELEASE, fill_with_stacks, fill_with_text, put
from tests.unit.watch.world import World
from vectora_ops.live_environment import Environment
from vectora_ops.records import Deployment, Hold, LedgerEntry, Records
from vectora_ops.watch.drift import drifted_things
from vectora_ops.watch.reading import Reading
from vectora_ops.what_runs import what_runs

DIGEST = json.loads(RELEASE)["digest"]
FILE = "clients/lai_weekly.yaml"
# moto dates stacks and parameters by the machine's clock.
LATER = datetime(2037, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def deployed(world: World) -> None:
    fill_with_text(world.account)
    fill_with_stacks(world.account)
    world.publish_client()
    running = what_runs(Environment(world.account, NAMES))
    entry = LedgerEntry(kind="release", digest=DIGEST, version="1.2.0", at=LATER, running=running)
    Records(world.account, NAMES).add_to_ledger(entry)
    body = world.account.client("s3").get_object(Bucket=NAMES.bucket("config"), Key=FILE)["Body"].read()
    record = {"state": "published", "keys": {FILE: hashlib.sha256(body).hexdigest()}}
    put(world.account, "config", "published.json", json.dumps(record).encode())


def drift(world: World) -> Reading:
    return drifted_things(world.account, NAMES)


def edit_function(world: World, **variables: str) -> None:
    world.account.client("lambda").update_function_configuration(
        FunctionName=NAMES.function("ingest-v2"), Environment={"Variables": variables}
    )


def test_what_the_release_left_is_no_drift(world: World) -> None:
    assert drift(world) == Reading(value=0)


def test_a_function_and_a_file_that_were_changed_by_hand_count_until_they_are_as_before(world: World) -> None:
    before = {"ENV": "dev", "API_TOKEN": "hidden"}
    edit_function(world, **before, LOG_LEVEL="DEBUG")
    world.publish_client(frequency="daily")
    reading = drift(world)
    assert reading.value == 2
    assert f"function {NAMES.function('ingest-v2')} was changed by hand" in reading.found[0].happened
    assert f"{FILE} was edited in its bucket" in reading.found[0].happened
    edit_function(world, **before)
    world.publish_client()
    assert drift(world).value == 0


def deploying(**changes: Any) -> Deployment:
    given = {"state": "deploying", "execution": "e-2", "digest": "f" * 64, "version": "1.3.0", "commit": "c0ffee"}
    return Deployment.model_validate({**given, "snapshot": "before_1", "at": LATER, **changes})


def test_a_deployment_and_a_rollback_are_no_drift(world: World) -> None:
    edit_function(world, ENV="dev")
    records = Records(world.account, NAMES)
    records.write_deployment(deploying())
    assert (drift(world).value, drift(world).why) == (None, "dev is being deployed")
    records.write_deployment(deploying(state="released"))
    assert drift(world).value == 1
    records.write_hold(Hold(state="rolling back", reason="a run failed", at=LATER))
    assert (drift(world).value, drift(world).why) == (None, "dev is being rolled back")


def test_a_release_that_was_deployed_by_hand_has_only_files_to_compare_with(world: World) -> None:
    world.account.client("ssm").put_parameter(
        Name=NAMES.parameter("release"), Value=json.dumps({"digest": "a" * 64, "version": "9"}), Overwrite=True
    )
    edit_function(world, ENV="dev")
    assert drift(world).value == 0
    world.publish_client(frequency="daily")
    assert drift(world).value == 1
