"""The doctor reads the branch's rules where GitHub tells them, and otherwise says what to look at by hand."""

from __future__ import annotations

import io
import json
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request

import pytest

from cli.doctor import branch
from cli.doctor.finding import Finding
from cli.doctor.subject import Subject
from tests.repository import ROOT
from vectora_ops.settings import Settings, load_settings

SECRET = "secret"
PROTECTED: dict[str, Any] = {
    "required_pull_request_reviews": {"required_approving_review_count": 1, "dismiss_stale_reviews": True},
    "enforce_admins": {"enabled": True},
    "allow_force_pushes": {"enabled": False},
    "allow_deletions": {"enabled": False},
}


class _Subject:
    def __init__(self, web_address: str = "https://github.com/o/r") -> None:
        settings = load_settings(ROOT)
        pipeline = settings.pipeline.model_copy(update={"web_address": web_address, "branch": "release/1"})
        self.settings: Settings = settings.model_copy(update={"pipeline": pipeline})


def _found(monkeypatch: pytest.MonkeyPatch, answer: Any, token: str | None = SECRET, **changes: str) -> Finding:
    asked: list[Request] = []

    def urlopen(request: Request, timeout: int) -> Any:
        asked.append(request)
        if isinstance(answer, Exception):
            raise answer
        return io.BytesIO(json.dumps(answer).encode())

    monkeypatch.setattr(branch, "urlopen", urlopen)
    monkeypatch.delenv(branch.TOKEN, raising=False)
    if token:
        monkeypatch.setenv(branch.TOKEN, token)
    subject: Subject = _Subject(**changes)  # type: ignore[assignment]
    [finding] = branch.check_branch(subject)
    for request in asked:
        assert request.full_url.endswith("/repos/vectora-inbox/vectora-inbox/branches/release%2F1/protection")
    assert "secret" not in f"{finding}"
    return finding


def test_a_protected_branch_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _found(monkeypatch, PROTECTED).verdict == "pass"


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        ({"required_pull_request_reviews": None}, "a required review"),
        ({"enforce_admins": {"enabled": False}}, "rules for administrators too"),
        ({"allow_force_pushes": {"enabled": True}}, "no force pushes"),
        ({"allow_deletions": {"enabled": True}}, "no deletion"),
    ],
)
def test_a_missing_rule_is_named(monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], missing: str) -> None:
    finding = _found(monkeypatch, {**PROTECTED, **change})
    assert finding.verdict == "unknown"
    assert missing in finding.found


@pytest.mark.parametrize(
    ("answer", "token", "said"),
    [
        (PROTECTED, None, "GITHUB_TOKEN is not set"),
        (HTTPError("u", 404, "", None, None), "secret", "there is none, or the token may not read it"),  # type: ignore[arg-type]
        (HTTPError("u", 403, "", None, None), "secret", "GitHub answered 403"),  # type: ignore[arg-type]
        (URLError("no route"), "secret", "GitHub did not answer"),
    ],
)
def test_without_an_answer_it_says_how_to_look_by_hand(
    monkeypatch: pytest.MonkeyPatch, answer: Any, token: str | None, said: str
) -> None:
    finding = _found(monkeypatch, answer, token)
    assert (finding.verdict, finding.advice) == ("unknown", branch.BY_HAND)
    assert said in finding.found


def test_another_host_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    finding = _found(monkeypatch, AssertionError("asked"), web_address="https://gitlab.example.org/o/r")
    assert (finding.verdict, finding.advice) == ("unknown", branch.BY_HAND)
