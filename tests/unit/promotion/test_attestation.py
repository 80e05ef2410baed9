"""Who wrote a commit neither approves it nor bypasses its gates, and a required approval cannot be left out."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.unit.promotion.test_gates import CONTENT, IN_PROD, POLICY, SOAKED, day
from vectora_ops.account import Account
from vectora_ops.names import Names
from vectora_ops.people import is_same
from vectora_ops.promotion.attestation import Attestation, attest
from vectora_ops.promotion.gates import BYPASSABLE_GATES, decide
from vectora_ops.records import Bypass
from vectora_ops.settings import Promotion
from vectora_shared.errors import VectoraError

PROD = Names(project="vectora-inbox", env="prod")
ANN, BOB = (f"arn:aws:sts::111111111111:assumed-role/Approver/{name}" for name in ("ann", "bob"))
APPROVED: Promotion = POLICY.model_copy(update={"requires_approval": True})


def _sentence(attested: Attestation | None, policy: Promotion = APPROVED, bypass: Bypass | None = None) -> str:
    decision = decide(replace(SOAKED, attested=attested, bypass=bypass), policy)
    return f"{decision.outcome}: {decision.sentence}"


def _bypass(by: str) -> Bypass:
    record = Bypass(digest=IN_PROD, content_digest=CONTENT, gates=BYPASSABLE_GATES, reason="x", by="anyone", at=day(1))
    return record.model_copy(update={"recorded_by": by})


def test_an_approval_by_somebody_else_passes_and_is_named() -> None:
    said = _sentence(Attestation(author_principal="ann", approver=BOB, deploys=True))
    assert said.startswith("pass")
    assert "approved by assumed-role/Approver/bob" in said


def test_an_author_who_approves_the_own_commit_is_refused() -> None:
    said = _sentence(Attestation(author_principal="Ann", approver=ANN))
    assert said.startswith("fail")
    assert "approval fail: assumed-role/Approver/ann approved it and wrote its commit" in said


def test_a_deployment_without_its_required_approval_is_refused() -> None:
    said = _sentence(Attestation(author_principal="ann", deploys=True))
    assert said.startswith("fail")
    assert "prod requires an approval, and this execution has none in its stage" in said


def test_the_gate_before_the_approval_does_not_wait_for_it() -> None:
    assert _sentence(Attestation(author_principal="ann")).startswith("pass")
    assert _sentence(Attestation(deploys=True), POLICY).startswith("pass")
    assert _sentence(None).startswith("pass")


def test_an_author_who_bypasses_gates_of_the_own_commit_is_refused() -> None:
    """AWS says who wrote the record; what the record says about that is not asked."""
    said = _sentence(Attestation(author_principal="ann", approver=BOB), bypass=_bypass(ANN))
    assert said.startswith("fail")
    assert "bypass fail: assumed-role/Approver/ann bypassed gates and wrote the commit" in said
    assert _sentence(Attestation(author_principal="ann", approver=BOB), bypass=_bypass(BOB)).startswith("pass")


@pytest.mark.parametrize("author", [None, "somebody"])
def test_unknown_authors_are_not_refused(author: str | None) -> None:
    assert _sentence(Attestation(author_principal=author, approver=ANN, deploys=True)).startswith("pass")


@pytest.mark.parametrize(
    ("principal", "arn", "same"),
    [
        ("ann", "arn:aws:iam::111111111111:user/ann", True),
        ("ann", "arn:aws:iam::111111111111:user/team/Ann", True),
        ("ann@example.org", "arn:aws:sts::111111111111:assumed-role/AWSReservedSSO_x/ann@example.org", True),
        (ANN, ANN, True),
        ("ann", "arn:aws:iam::111111111111:user/joann", False),
        ("Approver", ANN, False),
        (None, ANN, False),
        ("ann", None, False),
    ],
)
def test_people_are_recognized_by_the_name_of_their_user_or_session(
    principal: str | None, arn: str | None, same: bool
) -> None:
    assert is_same(principal, arn) is same


class _Review:
    """The review as a client of Lambda."""

    def __init__(self, answer: dict[str, Any] | ClientError, **response: Any) -> None:
        self._answer = answer
        self._response = response

    def of(self, what: str) -> _Review:
        assert what == "pipeline"
        return self

    def invoker(self, wait_seconds: int) -> _Review:
        return self

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803
        assert FunctionName == "vectora-inbox-review"
        assert json.loads(Payload) == {"operation": "attest", "execution": "e-1", "stage": "prod"}
        if isinstance(self._answer, ClientError):
            raise self._answer
        return {"Payload": io.BytesIO(json.dumps(self._answer).encode()), **self._response}


def _attest(review: _Review) -> Attestation:
    account: Account = review  # type: ignore[assignment]
    return attest(account, PROD, "e-1", deploys=True)


def test_the_review_attests_an_execution() -> None:
    answer = {"outcome": "accepted", "author": "a@example.org", "author_principal": "ann", "approver": BOB}
    expected = Attestation(author="a@example.org", author_principal="ann", approver=BOB, deploys=True)
    assert _attest(_Review(answer)) == expected


@pytest.mark.parametrize(
    ("review", "reason"),
    [
        (_Review({"outcome": "refused", "text": "The artifact x was written again"}), "was written again"),
        (_Review({"errorMessage": "timed out"}, FunctionError="Unhandled"), "timed out"),
        (_Review(ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "Invoke")), "deploy the pipeline"),
    ],
)
def test_an_execution_that_is_not_attested_is_refused_with_the_reason(review: _Review, reason: str) -> None:
    with pytest.raises(VectoraError, match=reason):
        _attest(review)
