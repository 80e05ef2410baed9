"""The workflow that comments reviews: pinned actions, and no token that writes beside code of a pull request."""

from __future__ import annotations

import re
from typing import Any

import yaml

from tests.repository import ROOT

TEXT = (ROOT / ".github" / "workflows" / "review.yml").read_text(encoding="utf-8")
WORKFLOW: dict[Any, Any] = yaml.safe_load(TEXT)


def test_every_action_is_pinned_by_its_digest() -> None:
    used = re.findall(r"uses: (\S+)", TEXT)

    assert used
    assert all(re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40}", each) for each in used)


def test_the_job_that_runs_code_of_the_pull_request_reads_only() -> None:
    jobs = WORKFLOW["jobs"]

    assert WORKFLOW["permissions"] == {}
    assert jobs["review"]["permissions"] == {"contents": "read"}
    assert jobs["review"]["steps"][0]["with"]["persist-credentials"] is False
    assert not any("checkout" in str(step) for step in jobs["comment"]["steps"])


def test_no_text_of_a_pull_request_becomes_part_of_a_command() -> None:
    commands = [step["run"] for job in WORKFLOW["jobs"].values() for step in job["steps"] if "run" in step]

    assert not any("${{" in command for command in commands)
    # YAML reads the key `on` as true.
    assert WORKFLOW[True] == "pull_request"
