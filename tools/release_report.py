"""Reports of the pipeline: what a release changes since the one that is deployed, for the person who approves it."""

from __future__ import annotations

import json
import shlex
import sys
from argparse import ArgumentParser, Namespace
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from change_review.page import page_of
from change_review.release_files import ReleaseFiles, packed_release_files, read_release_files
from change_review.review import Limits, architecture_after, review_since_release
from vectora_ops.names import REVIEW_VERDICT
from vectora_ops.pages.design import command, page, section
from vectora_ops.pages.markup import element
from vectora_review.store import release_files_key
from vectora_shared.aws import RETRYING, read_object
from vectora_shared.aws_errors import is_absent
from vectora_shared.aws_texts import variable
from vectora_shared.errors import VectoraError

ROOT = Path(__file__).resolve().parent.parent
# The text of an approval has room for so much (tests/stacks/test_pipeline_stack.py).
LONGEST_VERDICT = 150
HTML, JSON = "text/html; charset=utf-8", "application/json"


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The commit that is deployed, and that of this checkout.

    `report_key` is the key of the report without its ending, `lines_at` the web address of all changed lines.
    """

    since: str
    commit: str
    report_key: str
    lines_at: str


@dataclass(frozen=True, kw_only=True)
class Report:
    """A report; `document` is empty when there is only the reason why none could be made."""

    verdict: str
    html: str
    document: str = ""


def main() -> None:
    given = _parser().parse_args()
    try:
        if given.command == "files":
            given.file.write_bytes(packed_release_files(ROOT))
        else:
            print(kept_report(boto3.client("s3", config=RETRYING), given))
    except (VectoraError, OSError) as error:
        sys.exit(str(error))


def _parser() -> ArgumentParser:
    parser = ArgumentParser(description=__doc__, epilog="Example: python -m tools.release_report files files.zip")
    commands = parser.add_subparsers(dest="command", required=True)
    files = commands.add_parser("files", help="write what the reports on later releases compare with")
    files.add_argument("file", type=Path)
    report = commands.add_parser("report", help="keep the report on this checkout, and print its verdict for a shell")
    for name in ("bucket", "since", "commit", "key", "lines-at"):
        report.add_argument(f"--{name}", required=True)
    return parser


def kept_report(s3: Any, given: Namespace) -> str:
    """Keep the report in the bucket; return the verdict as a variable of a shell."""
    comparison = Comparison(since=given.since, commit=given.commit, report_key=given.key, lines_at=given.lines_at)
    report = report_of(s3, given.bucket, ROOT, comparison)
    try:
        keep_report(s3, given.bucket, comparison, report)
    except (ClientError, BotoCoreError) as error:
        raise VectoraError(f"The report could not be kept in {given.bucket}: {error}") from error
    return f"export {REVIEW_VERDICT}={shlex.quote(variable(report.verdict, LONGEST_VERDICT))}"


def report_of(s3: Any, bucket: str, root: Path, comparison: Comparison) -> Report:
    """Return the report on a checkout, or one that says why there is none: a person approves it either way."""
    now = datetime.now(UTC)
    try:
        release = _release_files(s3, bucket, comparison)
        review = review_since_release(root, release, Limits(today=now.date()), f"commit {comparison.commit[:10]}")
    except VectoraError as error:
        return Report(verdict=f"No report: {error}", html=_page_without_report(comparison, str(error), now))
    document = json.dumps(asdict(review), indent=2, ensure_ascii=False, default=str)
    html = page_of(review, now, architecture_after(root, review), lines_at=comparison.lines_at)
    return Report(verdict=review.verdict, html=html, document=document)


def keep_report(s3: Any, bucket: str, comparison: Comparison, report: Report) -> None:
    """Write the report as a page and as JSON; raises ClientError when it may not.

    Not with the key of the artifacts, which approvers may not use: a report has nothing that the repository has not.
    """
    for ending, body, kind in (("html", report.html, HTML), ("json", report.document, JSON)):
        if body:
            s3.put_object(
                Bucket=bucket,
                Key=f"{comparison.report_key}.{ending}",
                Body=body.encode("utf-8"),
                ContentType=kind,
                ServerSideEncryption="AES256",
            )


def _release_files(s3: Any, bucket: str, comparison: Comparison) -> ReleaseFiles:
    name = f"commit {comparison.since[:10]}"
    if comparison.since == comparison.commit:
        raise VectoraError("this very commit is deployed there, or nothing is yet.")
    try:
        body = read_object(s3, Bucket=bucket, Key=release_files_key(comparison.since)).body
    except ClientError as error:
        if is_absent(error, "object"):
            raise VectoraError(f"the files of {name}, which is deployed, were not kept.") from error
        raise VectoraError(f"the files of {name} cannot be read: {error}") from error
    except BotoCoreError as error:
        raise VectoraError(f"the files of {name} cannot be read: {error}") from error
    return read_release_files(name, body)


def _page_without_report(comparison: Comparison, reason: str, now: datetime) -> str:
    advice = element("p", "Compare the commits in a clone of the repository, at the commit that waits:")
    by_hand = command(f"./vectora review --base {comparison.since}")
    lines = element("p", element("a", "All changed lines", href=comparison.lines_at))
    return page(
        "Review of a change",
        made_at=now,
        subtitle=f"commit {comparison.commit[:10]}",
        main=[section("verdict", "Verdict", element("p", f"No report: {reason}"), advice, by_hand, lines)],
        footer="Made by the pipeline before an approval.",
        becomes_old=False,
    )


if __name__ == "__main__":
    main()
