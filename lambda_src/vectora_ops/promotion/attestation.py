"""People and artifact of an execution, as the pipeline's review attests them, and the verdicts on them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from botocore.exceptions import ClientError

from vectora_ops.account import PIPELINE, Account
from vectora_ops.names import Names
from vectora_ops.people import is_same, name_of
from vectora_ops.promotion.verdicts import Verdict
from vectora_ops.records import Bypass
from vectora_shared.aws_errors import error_code
from vectora_shared.aws_texts import plain
from vectora_shared.errors import VectoraError

APPROVAL_GATE, BYPASS_GATE = "approval", "bypass"
# It reads lists of CodePipeline and S3 only.
ANSWER_SECONDS = 120


@dataclass(frozen=True, kw_only=True)
class Attestation:
    """Author of the commit and approver of the execution in the target's stage; None for what is not known.

    `author_principal` is the author in AWS (settings, pipeline.people). At the `deploys` decision, the last before the
    environment changes, a required approval has been given.
    """

    author: str | None = None
    author_principal: str | None = None
    approver: str | None = None
    deploys: bool = False


Attest = Callable[[str], Attestation]


def attest(account: Account, target: Names, execution: str, *, deploys: bool = False) -> Attestation:
    """Return the attestation of an execution into `target`.

    Raises VectoraError with the review's sentence when the execution's artifact is not the one that was reviewed.
    """
    event = {"operation": "attest", "execution": execution, "stage": target.env}
    function = target.review_function
    try:
        response = (
            account.of(PIPELINE)
            .invoker(ANSWER_SECONDS)
            .invoke(FunctionName=function, Payload=json.dumps(event).encode("utf-8"))
        )
        answer = json.loads(response["Payload"].read())
    except ClientError as error:
        if error_code(error) != "ResourceNotFoundException":
            raise
        raise VectoraError(f"Function {function} is missing: deploy the pipeline (cdk deploy).") from error
    if "FunctionError" in response or answer.get("outcome") != "accepted":
        reason = plain(answer.get("text") or answer.get("errorMessage") or answer)
        raise VectoraError(f"The review does not attest execution {execution}: {reason}")
    return Attestation(
        author=answer.get("author"),
        author_principal=answer.get("author_principal"),
        approver=answer.get("approver"),
        deploys=deploys,
    )


def attested_verdicts(
    target: str, attested: Attestation | None, bypass: Bypass | None, *, requires_approval: bool
) -> Iterator[Verdict]:
    """Yield the verdicts on who approved and who bypassed; none for a question without an execution."""
    if attested is None:
        return
    approver, author = attested.approver, attested.author_principal
    if is_same(author, approver):
        reason = f"{name_of(approver)} approved it and wrote its commit: someone else has to approve it"
        yield Verdict(gate=APPROVAL_GATE, outcome="fail", reason=reason)
    elif requires_approval and attested.deploys and approver is None:
        reason = f"{target} requires an approval, and this execution has none in its stage"
        yield Verdict(gate=APPROVAL_GATE, outcome="fail", reason=reason)
    elif approver is not None:
        yield Verdict(gate=APPROVAL_GATE, outcome="pass", reason=f"approved by {name_of(approver)}")
    if bypass is not None and is_same(author, bypass.recorded_by):
        reason = f"{name_of(bypass.recorded_by)} bypassed gates and wrote the commit: someone else has to bypass them"
        yield Verdict(gate=BYPASS_GATE, outcome="fail", reason=reason)
