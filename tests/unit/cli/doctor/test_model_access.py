"""Bedrock: inference profile, access in its regions, and Anthropic's form."""

from __future__ import annotations

from typing import Any

import pytest

from cli.doctor.finding import Finding
from cli.doctor.model import CHECK
from tests.repository import ROOT
from tests.unit.cli.doctor.conftest import Aws, Run
from vectora_ops.settings import load_settings

MODEL = load_settings(ROOT).environment("stage").model
OTHERS = [region for region in MODEL.routes_to if region != MODEL.region]
USABLE = {
    "modelId": MODEL.foundation_model_id,
    "agreementAvailability": {"status": "AVAILABLE"},
    "authorizationStatus": "AUTHORIZED",
    "entitlementAvailability": "AVAILABLE",
    "regionAvailability": "AVAILABLE",
}


def _profile(aws: Aws, regions: tuple[str, ...] = MODEL.routes_to) -> None:
    aws.answers(
        "bedrock",
        "get_inference_profile",
        {
            "inferenceProfileName": "EU",
            "inferenceProfileArn": f"arn:aws:bedrock:eu-west-3:000000000000:inference-profile/{MODEL.id}",
            "inferenceProfileId": MODEL.id,
            "status": "ACTIVE",
            "type": "SYSTEM_DEFINED",
            "models": [
                {"modelArn": f"arn:aws:bedrock:{region}::foundation-model/{MODEL.foundation_model_id}"}
                for region in regions
            ],
        },
        inferenceProfileIdentifier=MODEL.id,
    )


def _access(aws: Aws, region: str = MODEL.region, **changed: Any) -> None:
    aws.answers(
        "bedrock",
        "get_foundation_model_availability",
        {**USABLE, **changed},
        region=region,
        modelId=MODEL.foundation_model_id,
    )


def _form(aws: Aws) -> None:
    aws.answers("bedrock", "get_use_case_for_model_access", {"formData": b"{}"})


def _routes(aws: Aws) -> None:
    for region in OTHERS:
        _access(aws, region)


def _found(run: Run, env: str = "stage") -> dict[str, Finding]:
    return {each.check: each for each in run(CHECK, env=env)}


def test_complete_access_passes(aws: Aws, run: Run) -> None:
    _profile(aws)
    _access(aws)
    _form(aws)
    _routes(aws)
    assert {check: each.verdict for check, each in _found(run).items()} == {
        "model profile": "pass",
        "model access": "pass",
        "model use case": "pass",
        "model regions": "pass",
    }


def test_an_environment_without_a_model_has_no_findings(run: Run) -> None:
    assert _found(run, env="dev") == {}


def test_a_model_of_several_environments_is_checked_once(aws: Aws, run: Run) -> None:
    _profile(aws)
    _access(aws)
    _form(aws)
    _routes(aws)
    assert len(run(CHECK, pipeline=True)) == 4


def test_a_missing_profile_fails(aws: Aws, run: Run) -> None:
    aws.refuses("bedrock", "get_inference_profile", "ResourceNotFoundException")
    _access(aws)
    _form(aws)
    _routes(aws)
    assert _found(run)["model profile"].verdict == "fail"


def test_a_profile_that_routes_to_a_region_without_permission_fails(aws: Aws, run: Run) -> None:
    _profile(aws, (*MODEL.routes_to, "eu-west-2"))
    _access(aws)
    _form(aws)
    _routes(aws)
    finding = _found(run)["model profile"]
    assert finding.verdict == "fail"
    assert "also routes to eu-west-2" in finding.found


def test_an_unreadable_profile_is_unknown_and_does_not_hide_access(aws: Aws, run: Run) -> None:
    aws.refuses("bedrock", "get_inference_profile", "AccessDeniedException")
    _access(aws)
    _form(aws)
    _routes(aws)
    found = _found(run)
    assert (found["model profile"].verdict, found["model access"].verdict) == ("unknown", "pass")


@pytest.mark.parametrize(
    ("changed", "advised"),
    [
        ({"agreementAvailability": {"status": "NOT_AVAILABLE"}}, "aws-marketplace:Subscribe"),
        ({"agreementAvailability": {"status": "PENDING"}}, "aws-marketplace:Subscribe"),
        ({"authorizationStatus": "NOT_AUTHORIZED"}, "organization"),
        ({"entitlementAvailability": "NOT_AVAILABLE"}, "Model catalog"),
        ({"regionAvailability": "NOT_AVAILABLE"}, "config/environments.yaml"),
    ],
)
def test_each_missing_part_of_access_fails_with_its_own_advice(
    aws: Aws, run: Run, changed: dict[str, Any], advised: str
) -> None:
    _profile(aws)
    _access(aws, **changed)
    _form(aws)
    _routes(aws)
    finding = _found(run)["model access"]
    assert finding.verdict == "fail"
    assert next(iter(changed)) in finding.found
    assert advised in finding.advice


def test_a_missing_model_fails(aws: Aws, run: Run) -> None:
    _profile(aws)
    aws.refuses("bedrock", "get_foundation_model_availability", "ResourceNotFoundException")
    _form(aws)
    _routes(aws)
    assert _found(run)["model access"].verdict == "fail"


def test_unreadable_access_is_unknown(aws: Aws, run: Run) -> None:
    _profile(aws)
    aws.refuses("bedrock", "get_foundation_model_availability", "AccessDeniedException")
    _form(aws)
    _routes(aws)
    assert _found(run)["model access"].verdict == "unknown"


def test_a_form_that_was_not_submitted_fails_where_access_is_missing(aws: Aws, run: Run) -> None:
    _profile(aws)
    _access(aws, agreementAvailability={"status": "NOT_AVAILABLE"})
    aws.refuses("bedrock", "get_use_case_for_model_access", "ResourceNotFoundException")
    _routes(aws)
    finding = _found(run)["model use case"]
    assert finding.verdict == "fail"
    assert "Anthropic's form" in finding.advice


def test_a_form_submitted_by_the_organization_passes(aws: Aws, run: Run) -> None:
    _profile(aws)
    _access(aws)
    aws.refuses("bedrock", "get_use_case_for_model_access", "ResourceNotFoundException")
    _routes(aws)
    assert _found(run)["model use case"].verdict == "pass"


def test_an_unreadable_form_is_unknown(aws: Aws, run: Run) -> None:
    _profile(aws)
    _access(aws)
    aws.refuses("bedrock", "get_use_case_for_model_access", "AccessDeniedException")
    _routes(aws)
    assert _found(run)["model use case"].verdict == "unknown"


def _regions(aws: Aws, run: Run, odd: Any) -> Finding:
    """Return the finding on regions when the first other region answers with `odd`."""
    _profile(aws)
    _access(aws)
    _form(aws)
    odd(OTHERS[0])
    for region in OTHERS[1:]:
        _access(aws, region)
    return _found(run)["model regions"]


def test_a_region_that_is_not_enabled_passes(aws: Aws, run: Run) -> None:
    finding = _regions(
        aws,
        run,
        lambda region: aws.refuses(
            "bedrock", "get_foundation_model_availability", "UnrecognizedClientException", region=region
        ),
    )
    assert finding.verdict == "pass"
    assert "1 are not enabled" in finding.found


def test_a_region_without_the_model_fails(aws: Aws, run: Run) -> None:
    finding = _regions(aws, run, lambda region: _access(aws, region, regionAvailability="NOT_AVAILABLE"))
    assert finding.verdict == "fail"
    assert OTHERS[0] in finding.found


def test_a_region_without_an_answer_is_unknown(aws: Aws, run: Run) -> None:
    finding = _regions(
        aws,
        run,
        lambda region: aws.refuses(
            "bedrock", "get_foundation_model_availability", "AccessDeniedException", region=region
        ),
    )
    assert (finding.verdict, finding.found) == ("unknown", f"unknown for {OTHERS[0]} (no permission)")
