"""Agreement of `./vectora client preview` with the newsletter of the deployed engine after the deployment."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import zipfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.testing import CliRunner

from cli.client.preview import preview
from rehearsal.emulator import ACCOUNT, Emulator
from tests.deployed.conftest import Vectora
from tools.templates import ROOT
from vectora_ops.account import Account
from vectora_ops.names import Names
from vectora_shared.config.content import BucketContent, Content, FolderContent
from vectora_shared.config.publication import PREFIXES, RECORD_KEY, publish

NAMES = Names(project="vectora-inbox", env="dev")
CLIENT_KEY = "clients/lai_weekly.yaml"
EXCLUSIONS_KEY = "canonical/scopes/exclusions.yaml"
TRADEMARKS_KEY = "canonical/scopes/trademarks.yaml"
Sections = list[tuple[str, list[tuple[str, float, str]]]]


class Engine:
    """The deployed engine and its configuration."""

    def __init__(self, emulator: Emulator) -> None:
        self._account = Account(ACCOUNT, emulator.region, emulator.session())
        self.s3 = self._account.client("s3")

    def published(self) -> bytes:
        return _archive(BucketContent(self.s3, NAMES.bucket("config")))

    def publish(self, archive: bytes) -> None:
        publish(self.s3, archive=archive, digest=hashlib.sha256(archive).hexdigest(), bucket=NAMES.bucket("config"))

    def newsletter(self, day: date) -> Sections:
        """Return the newsletter of the stored news, after normalizing and writing it again."""
        for task in ("normalize-score-v2", "newsletter-v2"):
            answer = self._account.client("lambda").invoke(
                FunctionName=NAMES.function(task),
                Payload=json.dumps({"client_id": "lai_weekly", "target_date": day.isoformat()}).encode("utf-8"),
            )
            body = json.loads(answer["Payload"].read())
            assert body["statusCode"] == 200, body
        key = f"lai_weekly/{day:%Y/%m/%d}/newsletter.json"
        document = json.loads(self.s3.get_object(Bucket=NAMES.bucket("newsletters"), Key=key)["Body"].read())
        return [
            (
                section["section_id"],
                [(each["item_id"], each["score"], each["event_type"]) for each in section["items"]],
            )
            for section in document["sections"]
        ]


def _archive(content: Content) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for key in (key for prefix in PREFIXES for key in content.keys(prefix)):
            archive.writestr(key, content.read(key))
    return stream.getvalue()


@pytest.fixture
def engine(deployed: tuple[Emulator, Any]) -> Iterator[Engine]:
    """Yield the engine, and restore the configuration and its record afterwards."""
    engine = Engine(deployed[0])
    record = {"Bucket": NAMES.bucket("config"), "Key": RECORD_KEY}
    published, recorded = engine.published(), engine.s3.get_object(**record)["Body"].read()
    yield engine
    engine.publish(published)
    engine.s3.put_object(**record, Body=recorded, ContentType="application/json; charset=utf-8")


@pytest.fixture
def edited(tmp_path: Path) -> Path:
    """Return a copy of config/ with edits of the client's file and of canonical files."""
    folder = tmp_path / "config"
    shutil.copytree(ROOT / "config", folder)
    files = {key: _read(folder / key) for key in (CLIENT_KEY, EXCLUSIONS_KEY, TRADEMARKS_KEY)}
    client, exclusions, trademarks = files.values()
    trademarks["scopes"]["lai_trademarks_core"]["names"].append("life-science fund")
    exclusions["scopes"]["deals"] = {
        "description": "Deals",
        "reason": "deal",
        "sure_title_patterns": [r"\bagreement\b"],
    }
    exclusions["scopes"]["deals"]["core_names_prevail"] = False
    client["client_profile"]["version"] = client["metadata"]["config_version"] = "8.0.0"
    client["metadata"]["changelog"].insert(0, {"version": "8.0.0", "date": "2026-11-24", "changes": "Stricter."})
    client["matching_config"]["min_domain_score"] = 0.6
    client["newsletter_layout"]["sections"][0]["max_items"] = 1
    client["scoring_config"]["client_specific_bonuses"]["trademark_mention"]["bonus"] = 9.5
    (domain,) = client["watch_domains"]
    del domain["core_company_scope"]
    domain["exclusion_scopes"] = ["deals"]
    for key, document in files.items():
        # JSON is YAML.
        (folder / key).write_text(json.dumps(document), encoding="utf-8")
    return folder


def _read(file: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return document


def previewed(*arguments: str) -> dict[str, Any]:
    app = typer.Typer()
    app.command()(preview)
    result = CliRunner().invoke(app, ["lai_weekly", "--json", *arguments])
    assert result.exit_code == 0, result.output
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def sections_of(sections: list[dict[str, Any]]) -> Sections:
    return [
        (section["section_id"], [(each["item_id"], each["score"], each["event"]) for each in section["items"]])
        for section in sections
    ]


def test_the_preview_is_the_newsletter_after_the_deployment(vectora: Vectora, engine: Engine, edited: Path) -> None:
    assert vectora("run", "lai_weekly", "--env", "dev", "--issue").exit_code == 0
    published = engine.published()
    result = previewed("--env", "dev", "--config", str(edited))
    day = date.fromisoformat(result["day"])
    assert sections_of(result["before"]) == engine.newsletter(day)

    engine.publish(_archive(FolderContent(edited)))

    assert sections_of(result["after"]) == engine.newsletter(day)
    kinds = {change["kind"] for change in result["changes"]}
    assert {"comes", "goes", "moves"} <= kinds, f"{kinds}: the edit changes too little, the test proves nothing"
    # The deployed and the edited configuration are now equal.
    again = previewed("--env", "dev", "--config", str(edited), "--day", day.isoformat())
    assert (again["changes"], again["after"]) == ([], result["after"])
    # The opposite edit is previewed, too.
    back = previewed("--env", "dev")
    engine.publish(published)
    assert sections_of(back["after"]) == sections_of(result["before"]) == engine.newsletter(day)


def test_an_environment_that_is_not_deployed_is_reported(vectora: Vectora) -> None:
    app = typer.Typer()
    app.command()(preview)
    result = CliRunner().invoke(app, ["lai_weekly", "--env", "stage"])
    assert (result.exit_code, result.stdout) == (1, "")
    assert "There is no bucket vectora-inbox-data-stage: deploy the environment first" in result.stderr
