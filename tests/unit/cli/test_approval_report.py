"""The report on the release that waits for an approval, read from where the approval links to."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from typer.testing import CliRunner, Result

from cli import pipeline_stage
from cli.__main__ import app
from cli.exit_codes import ExitCode
from tests.unit.cli.pipeline_in_memory import EXECUTION, REPORT, REPORT_KEY, VERDICT, MemoryPipeline

PAGE = "<!DOCTYPE html>\n<p>é</p>\n"
Objects = dict[tuple[str, str], str | ClientError]


def error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, "GetObject")


@pytest.fixture
def objects() -> Objects:
    return {("artifacts", REPORT_KEY): PAGE}


@pytest.fixture
def pipeline(monkeypatch: pytest.MonkeyPatch, objects: Objects) -> MemoryPipeline:
    memory = MemoryPipeline()

    def get_object(*, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        found = objects.get((Bucket, Key), error("NoSuchKey"))
        if isinstance(found, ClientError):
            raise found
        return {"Body": io.BytesIO(found.encode("utf-8"))}

    clients = {"codepipeline": memory, "s3": SimpleNamespace(get_object=get_object)}
    account = SimpleNamespace(account_id="1" * 12, region="eu-west-3", client=lambda service: clients[service])
    monkeypatch.setattr(pipeline_stage, "open_account", lambda settings, where: account)
    return memory


@pytest.fixture
def report(pipeline: MemoryPipeline) -> Callable[..., Result]:
    def call(*arguments: str) -> Result:
        result = CliRunner().invoke(app, ["promote", "report", "--to", "prod", *arguments])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return call


def test_it_prints_the_verdict_and_where_the_report_is(report: Callable[..., Result]) -> None:
    shown = report()
    assert shown.exit_code == 0
    assert shown.stdout.startswith(VERDICT)
    assert REPORT in shown.stdout.replace("\n", "")


def test_it_saves_the_report_as_the_pipeline_wrote_it(report: Callable[..., Result], tmp_path: Path) -> None:
    file = tmp_path / "folder" / "report.html"
    document = json.loads(report("--html", str(file), "--json").stdout)
    assert file.read_text(encoding="utf-8") == PAGE
    assert (document["env"], document["execution"], document["verdict"]) == ("prod", EXECUTION, VERDICT)


@pytest.mark.parametrize(
    ("code", "sentence"),
    [("NoSuchKey", "There is no report"), ("AccessDenied", "docs/reference/approver-policy.json permits it")],
)
def test_a_report_that_cannot_be_read_is_explained_and_writes_nothing(
    report: Callable[..., Result], objects: Objects, tmp_path: Path, code: str, sentence: str
) -> None:
    objects[("artifacts", REPORT_KEY)] = error(code)
    file = tmp_path / "report.html"
    result = report("--html", str(file))
    assert result.exit_code == ExitCode.ERROR
    assert sentence in result.stderr.replace("\n", " ")
    assert not file.exists()


@pytest.mark.parametrize("link", ["", "https://git.example.org/compare/a...b", "http://[", "x"])
def test_an_approval_of_an_earlier_version_links_to_no_report(
    report: Callable[..., Result], pipeline: MemoryPipeline, tmp_path: Path, link: str
) -> None:
    pipeline.link = link
    result = report("--html", str(tmp_path / "report.html"))
    assert result.exit_code == ExitCode.ERROR
    assert "links to no report" in result.stderr


def test_without_a_waiting_approval_the_answer_is_no(report: Callable[..., Result], pipeline: MemoryPipeline) -> None:
    pipeline.status, pipeline.statuses = "Succeeded", {"approval-prod": "Succeeded"}
    result = report()
    assert result.exit_code == ExitCode.NO
    assert "Nothing waits for an approval for prod" in result.stderr
