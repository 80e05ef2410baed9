"""`./vectora` on a deployed environment: output, JSON and exit codes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.__main__ import app
from rehearsal.emulator import Emulator
from rehearsal.publishers import WALLED
from tests.deployed.conftest import Vectora
from tests.repository import ROOT
from vectora_ops.names import Names
from vectora_shared.config.content import FolderContent
from vectora_shared.config.loading import load_client


def test_a_run_is_followed_to_the_newsletter(vectora: Vectora, deployed: tuple[Emulator, Any]) -> None:
    result = vectora("run", "lai_weekly", "--env", "dev")
    assert result.exit_code == 0, result.output
    assert "WriteNewsletter ..." in result.stderr
    assert "by lexicon" in result.stdout
    listed = [line.strip() for line in result.stdout.splitlines() if line.strip().startswith("s3://")]
    s3 = deployed[0].session().client("s3")
    assert len(listed) == 6
    for address in listed:
        bucket, _, key = address.removeprefix("s3://").partition("/")
        assert s3.head_object(Bucket=bucket, Key=key)["ContentLength"] > 0


def test_a_second_run_of_a_day_neither_loses_nor_duplicates_items(vectora: Vectora) -> None:
    first, second = (
        json.loads(vectora("run", "lai_weekly", "--env", "dev", "--issue", "--json").stdout)["steps"] for _ in range(2)
    )
    assert second["ingest"]["items_total"] == first["ingest"]["items_total"] > 0
    assert second["ingest"]["items_new"] == 0
    assert second["newsletter"]["total_items"] == first["newsletter"]["total_items"] > 0


def test_items_have_the_texts_of_their_articles_which_are_read_once(
    vectora: Vectora, deployed: tuple[Emulator, Any]
) -> None:
    first, second = (
        json.loads(vectora("run", "lai_weekly", "--env", "dev", "--json").stdout)["steps"]["ingest"] for _ in range(2)
    )
    s3 = deployed[0].session().client("s3")
    body = s3.get_object(Bucket=Names(project="vectora-inbox", env="dev").bucket("data"), Key=first["output_key"])[
        "Body"
    ].read()
    whole = {item["source_key"]: item["metadata"]["full_text"] for item in json.loads(body)}
    assert {key.rpartition("__")[2] for key, is_whole in whole.items() if not is_whole} == WALLED
    assert second["full_texts"]["wanted"] == 0


def test_every_sample_publisher_is_read_without_errors(vectora: Vectora) -> None:
    outcome = json.loads(vectora("run", "lai_weekly", "--env", "dev", "--dry-run", "--json").stdout)
    sources = {source["source_key"]: source for source in outcome["steps"]["ingest"]["sources"]}
    assert len(sources) == 8
    assert {key: source["message"] for key, source in sources.items() if source["status"] != "ok"} == {}


def test_a_dry_run_ends_after_ingestion(vectora: Vectora) -> None:
    result = vectora("run", "lai_weekly", "--env", "dev", "--dry-run", "--json")
    outcome = json.loads(result.stdout)
    assert (outcome["status"], list(outcome["steps"])) == ("SUCCEEDED", ["ingest"])
    assert outcome["steps"]["ingest"]["dry_run"] is True


def test_a_run_makes_a_draft_that_changes_no_issue(vectora: Vectora, deployed: tuple[Emulator, Any]) -> None:
    vectora("run", "lai_weekly", "--env", "dev", "--issue")
    before = _issues(deployed[0])
    result = vectora("run", "lai_weekly", "--env", "dev")
    assert result.exit_code == 0, result.output
    assert "Draft of " in result.stdout
    assert "s3://vectora-inbox-newsletters-dev/_drafts/lai_weekly/" in result.stdout
    assert _issues(deployed[0]) == before


def _issues(emulator: Emulator) -> dict[str, str]:
    s3 = emulator.session().client("s3")
    return {
        f"{bucket}/{entry['Key']}": entry["ETag"]
        for bucket in ("vectora-inbox-data-dev", "vectora-inbox-newsletters-dev")
        for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]
        if not entry["Key"].startswith(("_drafts/", "analyses/"))
    }


def test_an_unknown_client_is_refused_before_anything_starts(vectora: Vectora, deployed: tuple[Emulator, Any]) -> None:
    before = _executions(deployed[0])
    result = vectora("run", "lai_weekl", "--env", "dev")
    assert result.exit_code == 1
    assert "There is no client 'lai_weekl' in dev: did you mean 'lai_weekly'?" in " ".join(result.stderr.split())
    assert _executions(deployed[0]) == before


def _executions(emulator: Emulator) -> set[str]:
    states = emulator.session().client("stepfunctions")
    [machine] = [
        each["stateMachineArn"]
        for each in states.list_state_machines()["stateMachines"]
        if each["name"] == "vectora-inbox-newsletter-dev"
    ]
    return {each["executionArn"] for each in states.list_executions(stateMachineArn=machine)["executions"]}


def test_a_failed_run_gives_its_reason_and_exit_code_1(vectora: Vectora, deployed: tuple[Emulator, Any]) -> None:
    s3 = deployed[0].session().client("s3")
    s3.put_object(Bucket="vectora-inbox-config-dev", Key="clients/broken.yaml", Body=b"client_profile: {}\n")
    result = vectora("run", "broken", "--env", "dev")
    s3.delete_object(Bucket="vectora-inbox-config-dev", Key="clients/broken.yaml")
    assert result.exit_code == 1
    assert "clients/broken.yaml" in result.stderr


def test_without_a_workflow_the_error_advises_to_deploy(vectora: Vectora) -> None:
    result = vectora("run", "lai_weekly", "--env", "stage")
    assert result.exit_code == 1
    assert "There is no workflow vectora-inbox-newsletter-stage: deploy the environment first" in result.stderr


def test_status_shows_deployed_and_missing_environments(vectora: Vectora) -> None:
    result = vectora("status")
    assert result.exit_code == 0
    assert "same as this checkout" in result.stdout
    assert re.search(r"vectora-inbox-vectora-core-dev:\d+", result.stdout)
    assert "prod: nothing is deployed." in result.stdout


def test_status_shows_cost_and_needs_with_the_permissions_of_an_operator(vectora: Vectora) -> None:
    lines = vectora("status").stdout.splitlines()
    assert len([line for line in lines if re.match(r"  Cost in \d{4}-\d\d: \$\d+\.\d\d so far, ", line)]) == 1
    assert [line for line in lines if "may not read" in line] == []
    document = json.loads(vectora("status", "--json").stdout)
    # This local AWS has no CodePipeline.
    assert [each.partition(",")[0] for each in document["not_known"]] == ["the pipeline"]
    heading = "Needs you" if document["needs"] else "Nothing that could be read needs you."
    assert lines.count(heading) == 1
    assert [f"  {each['command']}" in lines for each in document["needs"]] == [True] * len(document["needs"])
    assert [each["cost"] is not None for each in document["environments"]] == [True, False, False]


def test_status_as_json_is_one_document(vectora: Vectora) -> None:
    document = json.loads(vectora("status", "--env", "dev", "--json").stdout)
    (dev,) = document["environments"]
    assert dev["release_digest"] == document["this_checkout"]["digests"]["dev"]
    assert dev["checkout"] == {"state": "same", "commits": None, "reason": ""}
    content = FolderContent(ROOT / "config")
    assert {client["client_id"]: client["version"] for client in dev["clients"]} == {
        client_id: load_client(content, client_id).client_profile.version for client_id in ("canary", "lai_weekly")
    }
    assert dev["drift"] == []


def test_the_status_page_and_the_cost_of_a_month_are_read_with_the_permissions_of_an_operator(
    vectora: Vectora, tmp_path: Path
) -> None:
    vectora("run", "lai_weekly", "--env", "dev", "--issue")
    file = tmp_path / "status.html"
    result = vectora("status", "--html", str(file), "--json")
    assert result.exit_code == 0, result.output
    page = file.read_text(encoding="utf-8")
    # The ledger, if other tests of this account wrote one, also knows a release by its content.
    [released] = json.loads(vectora("status", "--env", "dev", "--json").stdout)["environments"]
    ledger = json.loads(vectora("release", "list", "--env", "dev", "--json").stdout)["releases"]
    current: dict[str, Any] = next((each for each in ledger if each["current"]), {})
    assert (current.get("content_digest") or released["release_digest"])[:12] in page
    assert "./vectora newsletter open lai_weekly --env dev" in page
    assert page.count("Nothing is deployed here.") == 2
    assert re.findall("Could not be read: [^<]*", page) == []
    [dev] = json.loads(vectora("cost", "--env", "dev", "--json").stdout)["environments"]
    parts = {each["name"]: each["so_far_usd"] for each in dev["parts"]}
    assert dev["unknown"] == []
    assert min(parts["Lambda"], parts["Step Functions"], parts["storage"], parts["keys (KMS)"]) > 0
    assert [(each["client_id"], each["runs"] > 0) for each in dev["clients"]] == [("lai_weekly", True)]


def test_adopt_reports_that_there_is_nothing_to_import(vectora: Vectora) -> None:
    result = vectora("adopt", "--env", "dev", "--dry-run")
    assert result.exit_code == 0
    assert "Nothing to import" in result.stdout


@pytest.mark.parametrize("command", ["run lai_weekly", "adopt"])
def test_commands_that_change_something_require_the_environment(vectora: Vectora, command: str) -> None:
    result = vectora(*command.split())
    assert result.exit_code == 2
    assert "--env" in result.stderr


def test_without_credentials_one_sentence_advises_to_log_in(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "none")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "none")
    result = CliRunner().invoke(app, ["status", "--env", "dev"])
    assert result.exit_code == 1
    assert "AWS did not accept your credentials" in result.stderr
