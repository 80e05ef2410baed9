"""Review of a checkout: what it compares, what it reads, and what it finds in this project's own files."""

from __future__ import annotations

import json
import re
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from change_review.markdown import markdown_of
from change_review.sections import sections_of, summary_of
from tests.unit.review.conftest import Checkout
from vectora_shared.errors import VectoraError

SETTINGS = "config/environments.yaml"
TEMPLATES = "tests/stacks/templates"


def test_a_setting_of_prod_that_is_halved_is_a_row_and_a_finding(checkout: Checkout) -> None:
    checkout.replace(SETTINGS, "soak_days: 14", "soak_days: 7")

    review = checkout.review()

    [finding] = review.findings
    assert (finding.category, finding.environments, finding.text) == ("gates", ("prod",), "promotion.soak_days 14 -> 7")
    assert review.bits() == 4
    assert review.counts["settings looser"] == 1
    assert any(note.startswith("STALE: the templates of prod") for note in review.notes)


def test_a_gate_that_settings_and_templates_loosen_is_found_once(checkout: Checkout) -> None:
    checkout.replace(SETTINGS, "soak_days: 14", "soak_days: 7")
    for path in (checkout.root / TEMPLATES).rglob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace('"soak_days":14', '"soak_days":7'), encoding="utf-8")

    review = checkout.review()

    assert [finding.text for finding in review.findings] == ["promotion.soak_days 14 -> 7"]
    assert not any("STALE" in note for note in review.notes)


def test_the_same_change_of_all_environments_is_one_line(checkout: Checkout) -> None:
    for env in ("dev", "stage", "prod"):
        checkout.replace(f"{TEMPLATES}/{env}/s1-runtime.yaml", f"FunctionName: vectora-inbox-newsletter-v2-{env}",
                         f"FunctionName: vectora-inbox-newsletter-v3-{env}")  # fmt: skip

    review = checkout.review()

    [change] = [each for each in review.resources if each.action == "replaced"]
    assert change.environments == ("dev", "stage", "prod")
    assert change.name == "vectora-inbox-newsletter-v2-{env}"
    assert [each.environments for each in review.findings] == [("dev", "stage", "prod")]


def test_a_resource_that_moves_to_another_stack_is_imported(checkout: Checkout) -> None:
    core, runtime = (checkout.root / TEMPLATES / "prod" / f"{name}.yaml" for name in ("s0-core", "s1-runtime"))
    text = core.read_text(encoding="utf-8")
    start, end = text.index("  DataBucket:\n"), text.index("  DataBucketPolicy:\n")
    core.write_text(text[:start] + text[end:], encoding="utf-8")
    moved = runtime.read_text(encoding="utf-8").replace("\nResources:\n", f"\nResources:\n{text[start:end]}")
    runtime.write_text(moved, encoding="utf-8")

    review = checkout.review()

    [change] = [each for each in review.resources if each.logical_id == "DataBucket"]
    assert change.action == "replaced"
    assert change.reason.startswith("moved to s1-runtime (DataBucket): CloudFormation leaves it behind")
    assert "cdk import" in change.note


def test_only_changes_since_the_common_commit_count(checkout: Checkout) -> None:
    checkout.commit("Nothing yet") if checkout.git("status", "--porcelain") else None
    checkout.git("switch", "--quiet", "main")
    checkout.replace(SETTINGS, "soak_days: 14", "soak_days: 2")
    checkout.commit("Loosen on main")
    checkout.git("switch", "--quiet", "change")

    assert checkout.review().verdict == "Nothing changes."


def test_committed_and_uncommitted_changes_count(checkout: Checkout) -> None:
    checkout.replace(SETTINGS, "soak_days: 14", "soak_days: 7")
    commit = checkout.commit("Halve the soak")
    checkout.replace(SETTINGS, "minimum_runs: 2", "minimum_runs: 1")

    assert sorted(each.text for each in checkout.review().findings) == [
        "promotion.minimum_runs 2 -> 1",
        "promotion.soak_days 14 -> 7",
    ]
    assert [each.text for each in checkout.review(base=commit).findings] == ["promotion.minimum_runs 2 -> 1"]


@pytest.mark.parametrize("base", ["nowhere", "--output=stolen", "HEAD:config"])
def test_a_base_that_is_no_commit_is_one_sentence(checkout: Checkout, base: str) -> None:
    with pytest.raises(VectoraError, match="git finds no branch or commit") as refused:
        checkout.review(base=base)

    assert "\n" not in str(refused.value)
    assert not (checkout.root / "stolen").exists()


def test_a_shallow_clone_says_how_to_get_the_history(checkout: Checkout, tmp_path: Path) -> None:
    checkout.git("commit", "--quiet", "--allow-empty", "--message", "Second")
    clone = tmp_path / "clone"
    command = ["git", "clone", "--quiet", "--depth=1", f"file://{checkout.root}", str(clone), "--no-single-branch"]
    subprocess.run(command, check=True, capture_output=True)

    with pytest.raises(VectoraError, match="git fetch --unshallow"):
        Checkout(clone).review(base="origin/main")


def test_a_folder_without_history_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(VectoraError, match="has no git history"):
        Checkout(tmp_path).review()


def test_a_review_runs_no_code_of_either_side_and_makes_no_connection(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap = "raise SystemExit('ran')\n"
    for name in ("app.py", "config/__init__.py", "sitecustomize.py", "yaml.py", "conftest.py"):
        (checkout.root / name).write_text(trap, encoding="utf-8")
    checkout.git("checkout", "--quiet", "main")
    checkout.commit("Trap")
    checkout.replace(SETTINGS, "soak_days: 14", "soak_days: 7")

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)

    assert checkout.review().bits() == 4


def test_a_link_that_leads_out_of_the_checkout_is_not_read(checkout: Checkout, tmp_path: Path) -> None:
    secret = tmp_path / "secret.yaml"
    secret.write_text("Resources: {}\n", encoding="utf-8")
    (checkout.root / TEMPLATES / "prod" / "s9-linked.yaml").symlink_to(secret)

    assert checkout.review().resources == ()


def test_a_template_that_is_no_template_names_the_file(checkout: Checkout) -> None:
    (checkout.root / TEMPLATES / "prod" / "s0-core.yaml").write_text("a: [", encoding="utf-8")

    with pytest.raises(VectoraError, match=r"prod/s0-core\.yaml is neither YAML nor JSON"):
        checkout.review()


def test_settings_that_do_not_fit_are_compared_as_written(checkout: Checkout) -> None:
    checkout.replace(SETTINGS, "soak_days: 14", "soak_days: 7\n      unknown_gate: true")

    review = checkout.review()

    assert "promotion.soak_days 14 -> 7" in {each.text for each in review.findings}
    assert any("do not fit this release" in note for note in review.notes)


def test_a_policy_of_operators_that_grows_is_a_broadened_permission(checkout: Checkout) -> None:
    path = checkout.root / "docs/reference/operator-policy.json"
    policy = json.loads(path.read_text(encoding="utf-8"))
    policy["Statement"].append({"Effect": "Allow", "Action": "iam:*", "Resource": "*"})
    path.write_text(json.dumps(policy), encoding="utf-8")

    [finding] = checkout.review().findings

    assert (finding.category, finding.environments) == ("permissions", ("operators",))
    assert "gains iam:* on *" in finding.text


def test_releases_say_what_becomes_of_the_soak(checkout: Checkout) -> None:
    checkout.replace("config/clients/lai_weekly.yaml", "name:", "# a comment\n  name:")

    [release] = checkout.review().releases

    assert release.content == ("client files",)
    assert "the soak starts again at zero" in release.text


def _touch(checkout: Checkout, path: str) -> None:
    file = checkout.root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("changed\n", encoding="utf-8")


@pytest.mark.parametrize("path", ["docs/index.md", "tests/unit/test_a.py", "cli/run.py", "CHANGELOG.md"])
def test_what_is_not_deployed_leaves_every_digest_and_soak(checkout: Checkout, path: str) -> None:
    _touch(checkout, path)

    review = checkout.review()

    [release] = review.releases
    assert (release.environments, release.content) == (("dev", "stage", "prod"), ())
    assert release.text == "nothing of what is deployed changes, so every release keeps its digest and its soak"
    assert review.verdict == "Nothing deployed changes in the templates and settings: other files only."


@pytest.mark.parametrize(
    "path", ["lambda_src/pipeline_relay/handler.py", "lambda_src/vectora_review/lines.py", "lambda_src/requirements.in"]
)
def test_the_functions_of_the_pipeline_are_no_content_of_a_release(checkout: Checkout, path: str) -> None:
    _touch(checkout, path)

    [release] = checkout.review().releases

    assert release.content == ()


@pytest.mark.parametrize(
    ("path", "word"),
    [("lambda_src/requirements.txt", "packages of functions"), ("lambda_src/vectora_core/a.py", "code of functions"),
     ("package-lock.json", "the locked CDK CLI")],
)  # fmt: skip
def test_what_all_environments_share_starts_the_soak_again(checkout: Checkout, path: str, word: str) -> None:
    _touch(checkout, path)

    [release] = checkout.review().releases

    assert release.content == (word,)
    assert "the soak starts again at zero" in release.text


def test_another_version_alone_changes_no_digest(checkout: Checkout) -> None:
    for env in ("dev", "stage", "prod"):
        path = checkout.root / TEMPLATES / env / "s1-runtime.yaml"
        text = path.read_text(encoding="utf-8")
        path.write_text(re.sub(r'"version": "[^"]*"', '"version": "99.0.0"', text), encoding="utf-8")

    [release] = checkout.review().releases

    assert release.text.startswith("only the version changes, which is for people")


def test_a_setting_of_prod_changes_the_digest_of_prod_and_no_soak(checkout: Checkout) -> None:
    checkout.replace(SETTINGS, "soak_days: 14", "soak_days: 7")
    checkout.replace(f"{TEMPLATES}/prod/s0-operations.yaml", '"soak_days":14', '"soak_days":7')

    [release] = checkout.review().releases

    assert (release.environments, release.content) == (("prod",), ("settings",))
    assert "dev and stage keep their digest" in release.text
    assert release.text.endswith("its soak goes on")


def test_code_that_changes_a_template_starts_the_soak_again(checkout: Checkout) -> None:
    _touch(checkout, "stacks/core.py")
    checkout.replace(f"{TEMPLATES}/prod/s0-core.yaml", "BucketName: vectora-inbox-data-prod", "BucketName: other")

    [release] = checkout.review().releases

    assert release.content == ("templates",)
    assert "the soak starts again at zero" in release.text


def test_code_that_changes_only_the_example_with_a_backup_is_content_too(checkout: Checkout) -> None:
    _touch(checkout, "stacks/backup.py")
    checkout.replace(f"{TEMPLATES}/with-backup/backup.yaml", "Resources:", "Description: other\nResources:")

    [release] = checkout.review().releases

    assert release.content == ("templates",)


def test_code_and_a_setting_together_leave_open_what_changes_the_templates(checkout: Checkout) -> None:
    _touch(checkout, "stacks/core.py")
    checkout.replace(SETTINGS, "soak_days: 14", "soak_days: 7")
    checkout.replace(f"{TEMPLATES}/prod/s0-operations.yaml", '"soak_days":14', '"soak_days":7')

    [release] = checkout.review().releases

    assert release.content == ("settings", "perhaps templates")
    assert "Code of the stacks differs, too" in release.text


def test_a_change_of_the_pipeline_alone_leaves_every_digest(checkout: Checkout) -> None:
    _touch(checkout, "stacks/pipeline.py")
    checkout.replace(f"{TEMPLATES}/pipeline.yaml", "Resources:", "Description: other\nResources:")

    [release] = checkout.review().releases

    assert release.content == ()
    assert release.text.startswith("only the pipeline or an example of another set-up changes")


def test_changed_code_of_stacks_without_changed_templates_is_noted(checkout: Checkout) -> None:
    (checkout.root / "stacks").mkdir()
    (checkout.root / "stacks" / "core.py").write_text("pass\n", encoding="utf-8")

    review = checkout.review()

    assert any("`make check` compares them" in note for note in review.notes)
    assert review.other_files == (("stacks/", 1),)


def test_environments_that_differ_are_side_by_side(checkout: Checkout) -> None:
    checkout.replace(SETTINGS, "soak_days: 14", "soak_days: 7")

    differences = {each.key: each for each in checkout.review().environments}

    assert differences["promotion.soak_days"].values == (("dev", "0"), ("stage", "0"), ("prod", "7"))
    assert differences["promotion.soak_days"].is_changed
    assert not differences["logs.retention_days"].is_changed


def test_hostile_names_are_text_in_markdown(checkout: Checkout) -> None:
    hostile = "x</details><img src=x onerror=alert(1)> @team `code` [a](http://example.org) | cell"
    path = checkout.root / TEMPLATES / "prod" / "s0-core.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("BucketName: vectora-inbox-data-prod", f"BucketName: '{hostile}'"), encoding="utf-8")

    report = markdown_of(checkout.review())

    assert not re.search(r"(?<!\\)<(?!/?(details|summary)\b)", report)
    assert "](http" not in report
    assert "@team" not in report
    assert report.count("<details") == report.count("</details>")
    for line in report.splitlines():
        if line.startswith("| "):
            assert line.replace("\\|", "").count("|") in range(3, 8)


def test_a_report_for_a_pull_request_begins_with_the_verdict_and_fits_a_comment(checkout: Checkout) -> None:
    for path in (checkout.root / TEMPLATES / "prod").glob("*.yaml"):
        path.unlink()

    review = checkout.review()
    report = markdown_of(review)

    assert report.startswith("## Stop and read: ")
    assert summary_of(review).split(":")[0] in report.splitlines()[2]
    assert len(report) < 65_536
    assert sections_of(review)[0].title == "Findings"
