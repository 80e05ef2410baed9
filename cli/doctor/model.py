"""Checks of the account's access to the Bedrock model: inference profile, regions and use-case form."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from cli.doctor.finding import Check, Finding, unknown
from cli.doctor.subject import Subject
from vectora_ops.settings import Model
from vectora_shared.aws_errors import DENIED_CODES, error_code

PROFILE, ACCESS, ROUTES, FORM = "model profile", "model access", "model regions", "model use case"
NOT_THERE = ("ResourceNotFoundException", "ValidationException")
# A region that the account has not enabled does not accept its credentials.
NOT_ENABLED = ("InvalidClientTokenId", "UnrecognizedClientException")
CONSOLE = "Bedrock console, Model catalog"
# Required value of each part of the answer, and advice otherwise (GetFoundationModelAvailability, API reference;
# "Request access to models", Bedrock user guide).
REQUIRED = {
    "authorizationStatus": (
        "AUTHORIZED",
        "an administrator checks the organization's policies and AWS Support's restrictions of the account",
    ),
    "entitlementAvailability": ("AVAILABLE", f"open the model once in the {CONSOLE}"),
    "agreementAvailability": (
        "AVAILABLE",
        "an administrator with aws-marketplace:Subscribe sends one prompt to the model "
        f"({CONSOLE}, Open in playground): the functions may not subscribe",
    ),
    "regionAvailability": (
        "AVAILABLE",
        "choose a region that has the model, or another model (config/environments.yaml, `model`)",
    ),
}


@dataclass(frozen=True)
class _Access:
    """Availability of a model; `problems` are the unmet parts with their values and the advice."""

    problems: tuple[tuple[str, str, str], ...]

    @property
    def complete(self) -> bool:
        return not self.problems


def check_model(subject: Subject) -> Iterator[Finding]:
    """Check each model and region that the environments use, once."""
    models = {
        (model.id, model.region): model
        for env in subject.envs
        if (model := subject.settings.environment(env).model).analyzer == "bedrock"
    }
    for model in models.values():
        for check in (_profile, _access_and_form, _routes):
            # Each check runs separately: a profile that may not be read must not hide the others.
            yield from Check(NAMES[check], lambda s, c=check, m=model: c(s, m)).run(subject)  # type: ignore[misc]


def _profile(subject: Subject, model: Model) -> Iterator[Finding]:
    if not model.is_inference_profile:
        return
    try:
        profile = subject.client("bedrock", model.region).get_inference_profile(inferenceProfileIdentifier=model.id)
    except ClientError as error:
        if error_code(error) not in NOT_THERE:
            raise
        advice = "correct `model.id` or `model.region` in config/environments.yaml"
        yield Finding(PROFILE, "fail", f"there is no inference profile {model.id} in {model.region}", advice)
        return
    routed = {each["modelArn"].split(":")[3] for each in profile["models"]}
    if profile["status"] != "ACTIVE":
        yield Finding(PROFILE, "fail", f"{model.id} is {profile['status']}", "choose an active profile (`model.id`)")
    elif unlisted := sorted(routed - set(model.routes_to) - {""}):
        # The role's policy names the regions, and Bedrock checks it in each ("Geographic cross-Region inference").
        found = f"{model.id} also routes to {', '.join(unlisted)}, where the function's role may not use the model"
        advice = "add them to `model.routes_to` in config/environments.yaml and deploy"
        yield Finding(PROFILE, "fail", found, advice)
    else:
        yield Finding(PROFILE, "pass", f"{model.id} is ACTIVE and routes to {len(routed)} regions, all configured")


def _access_and_form(subject: Subject, model: Model) -> Iterator[Finding]:
    access = None
    try:
        access = _access(subject, model, model.region)
        yield _access_finding(model, access)
    except ClientError as error:
        if error_code(error) in NOT_THERE:
            advice = "correct `model.id` or `model.region` in config/environments.yaml"
            yield Finding(ACCESS, "fail", f"there is no {model.foundation_model_id} in {model.region}", advice)
        else:
            yield unknown(ACCESS, error)
    if model.foundation_model_id.startswith("anthropic."):
        yield from Check(FORM, lambda subject: _form(subject, model, access)).run(subject)


def _access_finding(model: Model, access: _Access) -> Finding:
    if access.complete:
        return Finding(ACCESS, "pass", f"{model.foundation_model_id} may be used in {model.region}")
    unmet = ", ".join(f"{part} is {value}" for part, value, _ in access.problems)
    advice = "; ".join(dict.fromkeys(advice for _, _, advice in access.problems))
    return Finding(ACCESS, "fail", f"{model.foundation_model_id} in {model.region}: {unmet}", advice)


def _form(subject: Subject, model: Model, access: _Access | None) -> Iterator[Finding]:
    """Check Anthropic's use-case form, which is required once per account or organization."""
    try:
        subject.client("bedrock", model.region).get_use_case_for_model_access()
    except ClientError as error:
        if error_code(error) != "ResourceNotFoundException":
            raise
        if access is not None and access.complete:
            yield Finding(FORM, "pass", "no form in this account, but access: the organization's form applies")
        else:
            advice = f"an administrator fills in Anthropic's form: {CONSOLE}, an Anthropic model"
            yield Finding(FORM, "fail", "Anthropic's use-case form was not submitted in this account", advice)
        return
    yield Finding(FORM, "pass", "Anthropic's use-case form was submitted")


def _routes(subject: Subject, model: Model) -> Iterator[Finding]:
    others = [region for region in model.routes_to if region != model.region]
    if not others:
        return
    refused: list[str] = []
    unclear: list[str] = []
    not_enabled: list[str] = []
    for region in others:
        try:
            access = _access(subject, model, region)
        except ClientError as error:
            code = error_code(error)
            kind = not_enabled if code in NOT_ENABLED else refused if code in NOT_THERE else unclear
            kind.append(f"{region} ({'no permission' if code in DENIED_CODES else code})")
        except Exception as error:  # noqa: BLE001
            # The region has no endpoint for Bedrock, or the endpoint does not answer.
            unclear.append(f"{region} ({type(error).__name__})")
        else:
            # The agreement belongs to the account; a region that only receives requests does not need it.
            unmet = [
                value for part, value, _ in access.problems if part in ("regionAvailability", "authorizationStatus")
            ]
            refused += [f"{region} ({', '.join(unmet)})"] if unmet else []
    yield _routes_finding(others, refused, unclear, not_enabled)


def _routes_finding(others: list[str], refused: list[str], unclear: list[str], not_enabled: list[str]) -> Finding:
    if refused:
        advice = "correct `model.routes_to`, or an administrator checks the organization's policies"
        return Finding(ROUTES, "fail", f"the model cannot be used in {', '.join(refused)}", advice)
    if unclear:
        return Finding(ROUTES, "unknown", f"unknown for {', '.join(unclear)}")
    # "Supported Regions and models for inference profiles", Bedrock user guide.
    note = f"; {len(not_enabled)} are not enabled, which a profile does not require" if not_enabled else ""
    return Finding(ROUTES, "pass", f"usable in the {len(others)} other regions it is routed to{note}")


def _access(subject: Subject, model: Model, region: str) -> _Access:
    client = subject.client("bedrock", region)
    answer: dict[str, Any] = client.get_foundation_model_availability(modelId=model.foundation_model_id)
    availability = {**answer, "agreementAvailability": answer["agreementAvailability"]["status"]}
    return _Access(
        tuple(
            (part, availability[part], advice)
            for part, (required, advice) in REQUIRED.items()
            if availability[part] != required
        )
    )


NAMES = {_profile: PROFILE, _access_and_form: ACCESS, _routes: ROUTES}
CHECK = Check("model", check_model)
