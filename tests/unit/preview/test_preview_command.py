"""`./vectora client preview`: sources of news and configurations, output, JSON and errors."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from cli.client import preview as module
from tests.repository import ROOT
from tests.unit.conftest import MemoryS3
from tests.unit.preview.conftest import CLIENT_KEY, DAY, EditedContent, entry, run_engine
from vectora_ops.names import Names
from vectora_shared.keys import curated_prefix, ingested_prefix, items_key

NEWS = [
    entry("Alpha: FDA approves Uzedy, a long-acting injectable", "Injected monthly."),
    entry("Bravo: Nanexa\x1b[2J on its [products] and plans", "PharmaShell is mentioned.", "press_corporate__nanexa"),
]
Preview = Callable[..., Result]


@pytest.fixture
def command(s3: MemoryS3, monkeypatch: pytest.MonkeyPatch) -> Preview:
    """Return the command, with dev in memory."""
    here = SimpleNamespace(
        account=SimpleNamespace(client=lambda service: s3),
        names=Names(project="vectora-inbox", env="dev"),
        settings=SimpleNamespace(model=SimpleNamespace(analyzer="lexicon")),
    )
    monkeypatch.setattr(module, "open_target", lambda env: here)
    app = typer.Typer()
    app.command()(module.preview)

    def call(*arguments: str | Path) -> Result:
        result = CliRunner().invoke(app, [str(each) for each in arguments])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return call


@pytest.fixture
def dev(s3: MemoryS3) -> MemoryS3:
    """Return dev after the repository's configuration was published and two days were run."""
    for file in (ROOT / "config").rglob("*.yaml"):
        key = file.relative_to(ROOT / "config").as_posix()
        s3.objects["vectora-inbox-config-dev", key] = file.read_bytes()
    for day in (DAY - timedelta(days=7), DAY):
        store(s3, "lai_weekly", day)
    return s3


def store(s3: MemoryS3, client: str, day: Any) -> None:
    curated = [item.model_dump(mode="json") for item in run_engine(NEWS, EditedContent({})).curated]
    for prefix, items in ((ingested_prefix(client), NEWS), (curated_prefix(client), curated)):
        s3.put_object(Bucket="vectora-inbox-data-dev", Key=items_key(prefix, day), Body=json.dumps(items))


@pytest.fixture
def edited(tmp_path: Path) -> Path:
    """Return a copy of config/ that requires a higher domain score."""
    return edited_copy(tmp_path / "edited", "min_domain_score: 0.30", "min_domain_score: 0.90")


def edited_copy(folder: Path, old: str, new: str) -> Path:
    shutil.copytree(ROOT / "config", folder)
    text = (folder / CLIENT_KEY).read_text(encoding="utf-8")
    assert text.count(old) == 1
    (folder / CLIENT_KEY).write_text(text.replace(old, new), encoding="utf-8")
    return folder


def test_the_text_shows_removed_items_and_the_reason(command: Preview, dev: MemoryS3, edited: Path) -> None:
    result = command("lai_weekly", "--env", "dev", "--config", edited)
    assert result.exit_code == 0, result.output
    assert "lai_weekly on the news of 2026-02-02 (2 items):" in result.stdout
    (line,) = (line for line in result.stdout.splitlines() if line.startswith("goes"))
    assert line.split(maxsplit=3)[1:3] == ["others", "13.4"]
    # Untrusted content neither formats nor controls the terminal.
    assert "Bravo: Nanexa[2J on its [products] and plans" in line
    assert "no longer matches" in line
    assert "0 items come, 1 goes, 0 move; 1 of 2 stays as it is." in result.stdout


def test_json_has_both_newsletters(command: Preview, dev: MemoryS3, edited: Path) -> None:
    document = json.loads(command("lai_weekly", "--env", "dev", "--config", edited, "--json").stdout)
    assert document["day"] == "2026-02-02"
    ids = {
        side: [[item["item_id"] for item in section["items"]] for section in document[side]]
        for side in ("before", "after")
    }
    assert ids == {"before": [["alpha"], ["bravo"]], "after": [["alpha"]]}
    (change,) = document["changes"]
    assert (change["kind"], change["item_id"], change["after"]) == ("goes", "bravo", None)
    assert change["before"] == {"section_id": "others", "position": 1, "score": 13.4}


def test_without_an_edit_nothing_changes_and_nothing_is_written(command: Preview, dev: MemoryS3) -> None:
    before, puts = dict(dev.objects), list(dev.puts)
    result = command("lai_weekly", "--env", "dev")
    assert "0 items come, 0 go, 0 move; 2 of 2 stay as they are." in result.stdout
    assert (dev.objects, dev.puts) == (before, puts)


def test_an_earlier_day_can_be_chosen(command: Preview, dev: MemoryS3) -> None:
    assert "on the news of 2026-01-26" in command("lai_weekly", "--env", "dev", "--day", "2026-01-26").stdout


def test_a_baseline_takes_precedence_over_the_deployed_configuration(
    command: Preview, dev: MemoryS3, edited: Path
) -> None:
    result = command("lai_weekly", "--env", "dev", "--baseline", edited)
    assert "1 item comes, 0 go, 0 move; 1 of 1 stays as it is." in result.stdout


def test_a_new_client_with_news_is_compared_with_an_empty_newsletter(
    command: Preview, dev: MemoryS3, tmp_path: Path
) -> None:
    folder = tmp_path / "config"
    shutil.copytree(ROOT / "config", folder)
    text = (folder / CLIENT_KEY).read_text(encoding="utf-8")
    (folder / "clients/depots.yaml").write_text(text.replace("lai_weekly ", "depots "), encoding="utf-8")
    sentence = "dev has no news of depots for a preview: deploy the client and run it first (./vectora run depots "
    assert sentence + "--env dev --issue)" in command("depots", "--env", "dev", "--config", folder).stderr
    store(dev, "depots", DAY)
    result = command("depots", "--env", "dev", "--config", folder)
    assert "2 items come, 0 go, 0 move." in result.stdout
    assert "The client is new there" in result.stdout


def test_a_file_on_disk_needs_no_environment(command: Preview, edited: Path, tmp_path: Path) -> None:
    file = tmp_path / "2026/02/02/items.json"
    file.parent.mkdir(parents=True)
    curated = run_engine(NEWS, EditedContent({})).curated
    file.write_text(json.dumps([item.model_dump(mode="json") for item in curated]), encoding="utf-8")
    result = command("lai_weekly", "--data", file, "--config", edited, "--baseline", ROOT / "config")
    assert "on the news of 2026-02-02" in result.stdout
    assert "0 items come, 1 goes, 0 move; 1 of 2 stays as it is." in result.stdout
    compared = command("lai_weekly", "--data", file, "--config", edited)
    assert "0 items come, 1 goes, 0 move; 1 of 2 stays as it is." in compared.stdout
    assert "Compared with the matching and scoring in the file" in compared.stdout


def test_curated_items_of_the_running_system_are_read(command: Preview, tmp_path: Path) -> None:
    title = "Nanexa and Acme sign license agreement for PharmaShell®-based products"
    item = {
        **entry(title, f"PRESSRELEASES10 December, 2025{title}Acme pays.READ MORE", "press_corporate__nanexa"),
        "ingested_at": "2025-12-19T20:15:17.569498",
        "normalized_at": "2025-12-19T20:21:34Z",
        "normalized_content": {
            "summary": "A deal.",
            "entities": {"companies": ["Nanexa", "Acme"], "trademarks": ["PharmaShell®"]},
            "event_classification": {"primary_type": "partnership", "confidence": 0.8},
            "lai_relevance_score": 8,
            "anti_lai_detected": False,
            "pure_player_context": False,
            "normalization_metadata": {"bedrock_model": "claude-3-5-sonnet"},
        },
        "matching_results": {"matched_domains": [], "domain_relevance": {}},
        "scoring_results": {
            "base_score": 8,
            "bonuses": {"pure_player_details": {"count": 1}},
            "penalties": {},
            "final_score": 14.9,
            "score_breakdown": {
                "base_score": 8,
                "domain_relevance_factor": 0.05,
                "recency_factor": 1.0,
                "weighted_base": 0.4,
                "total_bonus": 14.5,
                "total_penalty": 0,
                "raw_score": 14.9,
                "scoring_mode": "balanced",
            },
        },
    }
    file = tmp_path / "curated.json"
    in_words = copy.deepcopy({**item, "content": "Shorter"})
    in_words["normalized_content"]["event_classification"]["confidence"] = "high"
    del in_words["normalized_content"]["normalization_metadata"]
    file.write_text(json.dumps([item, in_words]), encoding="utf-8")
    document = json.loads(command("lai_weekly", "--data", file, "--json").stdout)
    assert (document["day"], document["items"], document["summary"]) == (
        "2025-12-19",
        1,
        "1 item comes, 0 go, 0 move.",
    )
    assert document["after"][0]["items"][0]["event"] == "partnership"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "Give one source of news"),
        (("--env", "dev", "--data", "items.json"), "Give one source of news"),
        (("--data", "missing.json"), "missing.json cannot be read (No such file or directory)"),
        (("--data", "README.md"), "README.md is not JSON"),
        (("--data", "package.json"), "package.json is not a list of items: give a curated items.json."),
        (("--env", "dev", "--day", "yesterday"), "--day is 'yesterday': write it as YYYY-MM-DD"),
        (("--env", "dev", "--day", "2020-01-01"), "dev has no news of lai_weekly of 2020-01-01: the newest is of 2026"),
        (("--env", "dev", "--config", "nowhere"), "There is no folder nowhere: give one with clients/ and canonical/."),
        (
            ("--env", "dev", "--baseline", "nowhere"),
            "There is no folder nowhere: give one with clients/ and canonical/.",
        ),
    ],
)
def test_bad_input_is_reported_in_one_sentence(
    command: Preview,
    dev: MemoryS3,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    sentence: str,
) -> None:
    monkeypatch.chdir(ROOT)
    result = command("lai_weekly", *arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(sentence)


def test_an_invalid_edit_is_reported_by_the_validation(command: Preview, dev: MemoryS3, tmp_path: Path) -> None:
    folder = edited_copy(
        tmp_path / "wrong", "company_scope: lai_companies_global", "company_scope: lai_companies_gobal"
    )
    result = command("lai_weekly", "--env", "dev", "--config", folder)
    assert result.exit_code == 1
    assert "clients/lai_weekly.yaml, line" in result.stderr
    assert "did you mean 'lai_companies_global'?" in result.stderr


def test_an_invalid_deployed_file_is_reported(command: Preview, dev: MemoryS3) -> None:
    dev.objects["vectora-inbox-config-dev", CLIENT_KEY] = b"client_profile: {}\n"
    result = command("lai_weekly", "--env", "dev")
    assert result.exit_code == 1
    assert result.stderr.startswith("The configuration deployed in dev is not valid for this release")
