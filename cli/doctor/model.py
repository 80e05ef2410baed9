"""Whether Bedrock lets the account use the model: inference profile, access in each region, use-case form."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from cli.doctor.finding import DENIED, Check, Finding, code_of, unknown
from cli.doctor.subject import Subject
from vectora_ops.settings import Model

PROFILE, ACCESS, ROUTES, FORM = "model profile", "model access", "model regions", "model use case"
NOT_THERE = ("ResourceNotFoundException", "ValidationException")
# Credentials are not known in a region that the account has not enabled.
NOT_ENABLED = ("InvalidClientTokenId", "UnrecognizedClientException")
CONSOLE = "Bedrock console, Model catalog"
# What each part of the answer must say, and what to do otherwise (GetFoundationModelAvailability, API reference;
# "Request access to models", Bedrock user guide).
WANTED = {
    "authorizationStatus": (
        "AUTHORIZED",
        "let an administrator look at the organization's policies and AWS Support's restrictions of the account",
    ),
    "entitlementAvailability": ("AVAILABLE", f"open the model once in the {CONSOLE}"),
    "agreementAvailability": (
        "AVAILABLE",
        "an administrator with aws-marketplace:Subscribe sends one prompt to the model "
        f"({CONSOLE}, Open in playground): the functions may not subscribe",
    ),
    "regionAvailability": (
        "AVAILABLE",
        "choose a model or region that go together (config/environments.yaml, `model`)",
    ),
}


@dataclass(frozen=True)
class _Access:
    """Unmet parts of an answer: the part, its value, and the advice."""

    problems: tuple[tuple[str, str, str], ...]

    @property
    def complete(self) -> bool:
        return not self.problems


def look(subject: Subject) -> Iterator[Finding]:
    """Ask once for each model and region that an environment asks Bedrock for."""
    models = {
        (model.id, model.region): model
        for env in subject.envs
        if (model := subject.settings.environment(env).model).analyzer == "bedrock"
    }
    for model in models.values():
        for check in (_profile, _access_and_form, _routes):
            # Each on its own: a profile that may not be read says nothing about access.
            yield from Check(NAMES[check], lambda s, c=check, m=model: c(s, m)).run(subject)  # type: ignore[misc]


def _profile(subject: Subject, model: Model) -> Iterator[Finding]:
    if not model.is_inference_profile:
        return
    try:
        profile = subject.client("bedrock", model.region).get_inference_profile(inferenceProfileIdentifier=model.id)
    except ClientError as error:
        if code_of(error) not in NOT_THERE:
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
        if code_of(error) in NOT_THERE:
            advice = "correct `model.id` or `model.region` in config/environments.yaml"
            yield Finding(ACCESS, "fail", f"there is no {model.foundation_model_id} in {model.region}", advice)
        else:
            yield unknown(ACCESS, error)
    if model.foundation_model_id.startswith("anthropic."):
        yield from Check(FORM, lambda subject: _form(subject, model, access)).run(subject)


def _access_finding(model: Model, access: _Access) -> Finding:
    if access.complete:
        return Finding(ACCESS, "pass", f"{model.foundation_model_id} may be used in {model.region}")
    said = ", ".join(f"{part} is {value}" for part, value, _ in access.problems)
    advice = "; ".join(dict.fromkeys(advice for _, _, advice in access.problems))
    return Finding(ACCESS, "fail", f"{model.foundation_model_id} in {model.region}: {said}", advice)


def _form(subject: Subject, model: Model, access: _Access | None) -> Iterator[Finding]:
    """Anthropic asks once per account, or per organization, for what its models are used."""
    try:
        subject.client("bedrock", model.region).get_use_case_for_model_access()
    except ClientError as error:
        if code_of(error) != "ResourceNotFoundException":
            raise
        if access is not None and access.complete:
            yield Finding(FORM, "pass", "no form in this account, and access is there: the organization's counts")
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
            code = code_of(error)
            kind = not_enabled if code in NOT_ENABLED else refused if code in NOT_THERE else unclear
            kind.append(f"{region} ({'no permission' if code in DENIED else code})")
        except Exception as error:  # noqa: BLE001
            # A region without an endpoint for Bedrock, or one that does not answer.
            unclear.append(f"{region} ({type(error).__name__})")
        else:
            # The agreement is the account's; a region that only receives requests need not have it.
            here = [
                value for part, value, _ in access.problems if part in ("regionAvailability", "authorizationStatus")
            ]
            refused += [f"{region} ({', '.join(here)})"] if here else []
    yield _routes_finding(others, refused, unclear, not_enabled)


def _routes_finding(others: list[str], refused: list[str], unclear: list[str], not_enabled: list[str]) -> Finding:
    if refused:
        advice = "correct `model.routes_to`, or let an administrator look at the organization's policies"
        return Finding(ROUTES, "fail", f"the model cannot be used in {', '.join(refused)}", advice)
    if unclear:
        return Finding(ROUTES, "unknown", f"not known for {', '.join(unclear)}")
    # "Supported Regions and models for inference profiles", Bedrock user guide.
    note = f"; {len(not_enabled)} are not enabled in the account, and a profile needs no such" if not_enabled else ""
    return Finding(ROUTES, "pass", f"usable in the {len(others)} other regions it is routed to{note}")


def _access(subject: Subject, model: Model, region: str) -> _Access:
    client = subject.client("bedrock", region)
    answer: dict[str, Any] = client.get_foundation_model_availability(modelId=model.foundation_model_id)
    said = {**answer, "agreementAvailability": answer["agreementAvailability"]["status"]}
    return _Access(
        tuple((part, said[part], advice) for part, (wanted, advice) in WANTED.items() if said[part] != wanted)
    )


NAMES = {_profile: PROFILE, _access_and_form: ACCESS, _routes: ROUTES}
CHECK = Check("model", look)
