"""Reports of the pipeline: kept beside the releases, with a verdict for the text of an approval."""

from __future__ import annotations

import io
import json
import shlex
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from change_review.release_files import packed_release_files
from tests.unit.review.conftest import Checkout
from tools import release_report
from tools.release_report import LONGEST_VERDICT, Comparison, keep_report, report_of
from vectora_ops.names import REVIEW_VERDICT
from vectora_review.store import Store, release_files_key
from vectora_shared.errors import VectoraError

BUCKET = "artifacts"
SINCE, COMMIT = "a" * 40, "b" * 40
COMPARISON = Comparison(since=SINCE, commit=COMMIT, report_key="reports/x", lines_at="https://git.example.org/a...b")


class Objects:
    """S3 with one bucket; `error` is the code of every write, or of every read of a key that exists."""

    def __init__(self) -> None:
        self.written: dict[str, dict[str, Any]] = {}
        self.error: str | None = None

    def put_object(self, **given: Any) -> None:
        self._fail("PutObject")
        self.written[given["Key"]] = given

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        assert Bucket == BUCKET
        self._fail("GetObject")
        if Key not in self.written:
            raise ClientError({"Error": {"Code": "NoSuchKey", "Message": "no"}}, "GetObject")
        return {"Body": io.BytesIO(self.written[Key]["Body"])}

    def _fail(self, operation: str) -> None:
        if self.error:
            raise ClientError({"Error": {"Code": self.error, "Message": "no"}}, operation)


@pytest.fixture
def s3(checkout: Checkout) -> Objects:
    """Return a bucket in which the review has kept the files of the release that is deployed."""
    found = Objects()
    Store(found, None, bucket=BUCKET, approvals="x").write_release_files(SINCE, packed_release_files(checkout.root))
    return found


def test_the_report_says_what_changes_since_the_deployed_release_and_not_since_the_last_commit(
    checkout: Checkout, s3: Objects
) -> None:
    checkout.replace("config/environments.yaml", "soak_days: 14", "soak_days: 7")
    checkout.commit("Halve the soak")
    checkout.replace("config/environments.yaml", "retention_days: 365", "retention_days: 364")
    checkout.commit("Keep logs for a day less")

    report = report_of(s3, BUCKET, checkout.root, COMPARISON)
    keep_report(s3, BUCKET, COMPARISON, report)

    assert report.verdict.startswith("Stop and read: ")
    page, document = s3.written["reports/x.html"], s3.written["reports/x.json"]
    assert "soak_days 14 -&gt; 7" in page["Body"].decode("utf-8")
    assert COMPARISON.lines_at in page["Body"].decode("utf-8")
    texts = [each["text"] for each in json.loads(document["Body"])["findings"]]
    assert any("soak_days" in each for each in texts)
    assert any("retention_days" in each for each in texts)
    # Approvers may not use the key of the artifacts.
    assert page["ServerSideEncryption"] == document["ServerSideEncryption"] == "AES256"
    assert page["ContentType"] == "text/html; charset=utf-8"


@pytest.mark.parametrize(
    ("since", "error", "reason"),
    [
        ("c" * 40, None, "the files of commit cccccccccc, which is deployed, were not kept."),
        (COMMIT, None, "this very commit is deployed there, or nothing is yet."),
        (SINCE, "AccessDenied", "the files of commit aaaaaaaaaa cannot be read"),
    ],
)
def test_without_files_to_compare_with_the_approver_reads_why(
    checkout: Checkout, s3: Objects, since: str, error: str | None, reason: str
) -> None:
    s3.error = error
    comparison = Comparison(since=since, commit=COMMIT, report_key="reports/x", lines_at="https://git.example.org/")

    report = report_of(s3, BUCKET, checkout.root, comparison)

    assert report.verdict.startswith(f"No report: {reason}")
    assert reason in report.html
    assert f"./vectora review --base {since}" in report.html
    assert report.document == ""


def test_damaged_files_of_a_release_make_no_report_and_no_traceback(checkout: Checkout, s3: Objects) -> None:
    s3.written[release_files_key(SINCE)]["Body"] = b"no zip file"
    assert report_of(s3, BUCKET, checkout.root, COMPARISON).verdict.startswith(
        "No report: The files of commit aaaaaaaaaa"
    )


def test_the_verdict_is_one_assignment_of_a_shell_whatever_it_says(
    s3: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile = release_report.Report(verdict="'; rm -rf $HOME; \" #{x}\n" + "x" * 500, html="")
    monkeypatch.setattr(release_report, "report_of", lambda *given: hostile)
    given = Namespace(bucket=BUCKET, since=SINCE, commit=COMMIT, key="reports/x", lines_at="https://git.example.org/")

    export, assignment = shlex.split(release_report.kept_report(s3, given))

    name, _, value = assignment.partition("=")
    assert (export, name) == ("export", REVIEW_VERDICT)
    assert len(value) <= LONGEST_VERDICT
    assert "#{" not in value
    assert "\n" not in value


def test_a_report_that_cannot_be_kept_is_one_sentence(checkout: Checkout, s3: Objects, monkeypatch: Any) -> None:
    monkeypatch.setattr(release_report, "ROOT", Path(checkout.root))
    given = Namespace(
        bucket=BUCKET, since="c" * 40, commit=COMMIT, key="reports/x", lines_at="https://git.example.org/"
    )
    s3.error = "AccessDenied"
    with pytest.raises(VectoraError, match="The report could not be kept in artifacts"):
        release_report.kept_report(s3, given)
