"""Command `./vectora promote report`: what the release that waits for an approval changes, as the pipeline reported."""

from __future__ import annotations

import re

from botocore.exceptions import ClientError

from cli.approval import POLICY, nothing_waits
from cli.exit_codes import ExitCode
from cli.options import HtmlFile, Json
from cli.output import fail, out, print_json, report_errors
from cli.page_file import write_page
from cli.paths import ROOT
from cli.pipeline_stage import StageOfPipeline
from cli.promotion_options import To, preceding_environment
from vectora_ops.account import Account
from vectora_ops.settings import load_settings
from vectora_shared.aws import read_object
from vectora_shared.aws_errors import is_absent, is_denied
from vectora_shared.errors import VectoraError

# The address of an object in the S3 console (stacks/approvals.py).
CONSOLE_ADDRESS = re.compile(r"https://[\w.-]+/s3/object/([\w.-]+)\?region=[\w-]+&prefix=([\w./-]+)")


@report_errors
def report(to: To, html: HtmlFile = None, json: Json = False) -> None:
    """Print the verdict of the report on the release that waits for an approval, and save the report as a page.

    The report compares the release with the one that the environment has.
    """
    preceding_environment(to)
    stage = StageOfPipeline.of(load_settings(ROOT), to)
    state = stage.state()
    if state.approval is None:
        fail(nothing_waits(to, state), ExitCode.NO)
    release = stage.release(state.approval.execution)
    file = write_page(html, _page(stage.account, release.link)) if html else None
    if json:
        document = {"env": to, "execution": release.execution, "verdict": release.verdict, "link": release.link}
        print_json({**document, "file": file})
        return
    out.say(release.verdict or "The pipeline recorded no verdict: its version makes no reports yet.")
    if file:
        out.say(f"The report is in {file}.")
    elif release.link:
        out.say(f"Report: {release.link}")


def _page(account: Account, link: str | None) -> str:
    """Return the page that an approval links to; raises VectoraError when there is none."""
    place = CONSOLE_ADDRESS.fullmatch(link or "")
    if place is None:
        raise VectoraError("The approval links to no report: the pipeline's version makes none yet.")
    bucket, key = place.groups()
    try:
        body = read_object(account.client("s3"), Bucket=bucket, Key=key).body
    except ClientError as error:
        if is_absent(error, "object"):
            raise VectoraError(f"There is no report {key} in {bucket}: the log of its build says why.") from error
        if is_denied(error):
            raise VectoraError(
                f"You may not read the report: AWS denied {error.operation_name}. docs/reference/{POLICY} permits it; "
                "--profile pipeline=NAME uses another identity."
            ) from error
        raise
    return body.decode("utf-8", errors="replace")
