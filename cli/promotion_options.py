"""Options of the commands `./vectora promote`, and what they require."""

from __future__ import annotations

from typing import Annotated

from cli.exit_codes import ExitCode
from cli.options import option
from cli.output import fail
from cli.target import Target, open_target
from vectora_ops.account import Account
from vectora_ops.records import LONGEST_BYPASS_REASON
from vectora_ops.settings import ENVIRONMENT_NAMES, environment_before
from vectora_shared.errors import VectoraError

To = Annotated[str, option("--to", "It is stage or prod.", metavar="ENV", show_default=False)]
Digest = Annotated[
    str | None,
    option("--digest", "Default: the release of the preceding environment. See ./vectora release list."),
]


def preceding_environment(to: str) -> str:
    """Return the environment from which releases are promoted into `to`; exit when there is none."""
    before = environment_before(to)
    if before is None:
        fail(f"Nothing is promoted into {to}: commits come there first. Choose {' or '.join(ENVIRONMENT_NAMES[1:])}.")
    return before


def open_preceding(to: str) -> Target:
    """Return the environment from which releases are promoted into `to`."""
    return open_target(preceding_environment(to))


def require_reason(reason: str) -> None:
    """Exit when a reason is empty or too long for the records."""
    if len(reason) > LONGEST_BYPASS_REASON:
        fail(
            f"Say why in at most {LONGEST_BYPASS_REASON} characters: refusals and approvals show it.",
            ExitCode.USAGE,
        )
    if not reason.strip():
        fail("Say why (--reason): it is shown to approvers and in status.", ExitCode.USAGE)


def caller_arn(account: Account) -> str:
    """Return the ARN of the identity behind the credentials."""
    try:
        return str(account.client("sts").get_caller_identity()["Arn"])
    except KeyError as error:
        raise VectoraError("AWS returned no identity for these credentials: log in, then try again.") from error
