"""Templates of an environment that sends newsletters: resources, permissions and workflow; without delivery, none."""

from __future__ import annotations

import json
from typing import Any

import aws_cdk as cdk
import cfnlint.api
import pytest
from cdk_nag import AwsSolutionsChecks, ServerlessChecks

from stacks.environment import environment_stacks
from stacks.synthesis import synthesized_templates
from tests.repository import ROOT
from tests.stacks import test_limits as limits
from tests.stacks import test_permissions_exist as permissions
from tests.stacks.deployed import Environment, Templates, account_of
from tests.stacks.rules import Rule
from vectora_ops.delivery_settings import Delivery
from vectora_ops.known_variables import KNOWN_VARIABLES
from vectora_ops.names import CANARY_CLIENT, OPERATIONS_LAYER, STACK_LAYERS
from vectora_ops.settings import Settings, load_settings
from vectora_shared.config.content import FolderContent
from vectora_shared.config.loading import load_client
from vectora_shared.errors import ConfigurationError

FUNCTION = "vectora-inbox-deliver-v2-dev"


def with_delivery(**delivery: Any) -> Settings:
    settings = load_settings(ROOT)
    chosen = Delivery.model_validate({"identity": "example.org", "mode": "recipients", **delivery})
    dev = settings.environments.dev.model_copy(update={"delivery": chosen})
    return settings.model_copy(update={"environments": settings.environments.model_copy(update={"dev": dev})})


def synthesized(**delivery: Any) -> Templates:
    settings = with_delivery(**delivery)
    templates = synthesized_templates(ROOT, "dev", settings)
    return {layer: templates[settings.names("dev").stack(layer)] for layer in STACK_LAYERS}


@pytest.fixture(scope="module")
def sending() -> Templates:
    return synthesized()


def resources(templates: Templates) -> dict[str, Any]:
    return {
        f"{layer}/{logical_id}": resource
        for layer, template in templates.items()
        for logical_id, resource in template["Resources"].items()
    }


def test_delivery_adds_only_its_own_resources(dev: Templates, sending: Templates) -> None:
    before, after = resources(dev), resources(sending)
    assert {name: each["Type"] for name, each in after.items() if name not in before} == {
        "s0-iam/DeliverRole": "AWS::IAM::Role",
        "s0-iam/DeliverRoleArnParameter": "AWS::SSM::Parameter",
        "s1-runtime/DeliverV2Function": "AWS::Lambda::Function",
        "s1-runtime/DeliverV2LogGroup": "AWS::Logs::LogGroup",
        "s1-runtime/NewsletterMail": "AWS::SES::ConfigurationSet",
        "s1-runtime/NewsletterMailEvents": "AWS::SES::ConfigurationSetEventDestination",
        "s1-runtime/MailFeedback": "AWS::Events::Rule",
        "s1-runtime/MailFeedbackPermission": "AWS::Lambda::Permission",
        "s1-runtime/DeliverV2LostEvents": "AWS::CloudWatch::Alarm",
    }
    assert set(before) <= set(after)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {
        "s0-iam/WorkflowRole",
        "s1-runtime/NewsletterWorkflow",
        "s1-runtime/PublishedConfiguration",
        "s1-runtime/Release",
        "s0-operations/SnapshotBeforeDeployment",
    }


def test_environments_of_this_repository_send_nothing(environment: Environment) -> None:
    _, templates = environment
    text = json.dumps(templates)
    assert "AWS::SES::" not in text
    assert "ses:" not in text
    assert "Deliver" not in json.dumps(templates["s1-runtime"]["Resources"]["NewsletterWorkflow"])


def test_the_function_may_send_from_one_identity_and_write_records_only(sending: Templates) -> None:
    [policy] = resources(sending)["s0-iam/DeliverRole"]["Properties"]["Policies"]
    statements = {each["Sid"]: each for each in policy["PolicyDocument"]["Statement"]}
    assert statements["SendMessages"]["Action"] == ["ses:SendEmail", "ses:SendRawEmail"]
    assert statements["SendMessages"]["Condition"] == {
        "StringLike": {"ses:FromAddress": ["*@example.org", "*@*.example.org"]}
    }
    assert statements["UseConfigurationSet"]["Resource"] == [
        {"Fn::Sub": "arn:aws:ses:eu-west-3:${AWS::AccountId}:configuration-set/vectora-inbox-newsletters-dev"}
    ]
    writes = [each for each in statements.values() if "s3:PutObject" in each["Action"]]
    assert [each["Resource"] for each in writes] == [["arn:aws:s3:::vectora-inbox-newsletters-dev/_deliveries/*"]]


def test_a_redirected_environment_names_its_addresses_and_a_sending_one_has_none(sending: Templates) -> None:
    redirected = synthesized(mode="redirect", redirect_to=("operator@example.org", "qa@example.org"))
    found = [
        resources(each)["s1-runtime/DeliverV2Function"]["Properties"]["Environment"]["Variables"]
        for each in (sending, redirected)
    ]
    assert [each["DELIVERY_MODE"] for each in found] == ["recipients", "redirect"]
    assert "REDIRECT_TO" not in found[0]
    assert found[1]["REDIRECT_TO"] == "operator@example.org,qa@example.org"


@pytest.mark.parametrize("mode", ["recipients", "redirect"])
def test_snapshots_show_all_variables_that_this_app_sets(sending: Templates, mode: str) -> None:
    redirected = {"mode": "redirect", "redirect_to": ("operator@example.org",)}
    templates = sending if mode == "recipients" else synthesized(**redirected)
    set_here = {
        variable
        for layer, template in templates.items()
        # A snapshot is taken while the operations stack is deployed, and does not hold it.
        if layer != OPERATIONS_LAYER
        for each in template["Resources"].values()
        if each["Type"] == "AWS::Lambda::Function"
        for variable in each["Properties"].get("Environment", {}).get("Variables", {})
    }
    assert "DELIVERY_MODE" in set_here
    assert set_here <= KNOWN_VARIABLES


def test_only_what_is_ready_is_delivered_and_every_failure_has_its_own_error(sending: Templates) -> None:
    states = resources(sending)["s1-runtime/NewsletterWorkflow"]["Properties"]["Definition"]["States"]
    ready = states["NewsletterSucceeded"]["Choices"][1]
    assert ready["Next"] == "Deliver"
    assert ready["And"][1] == {"Variable": "$.newsletter.body.delivery", "StringEquals": "ready"}
    assert states["NewsletterSucceeded"]["Default"] == "NewsletterWritten"
    assert states["Deliver"]["Catch"][0]["ErrorEquals"] == ["States.ALL"]
    ends = {states["DeliverySucceeded"]["Choices"][0]["Next"], states["Deliver"]["Catch"][0]["Next"]}
    assert {states[end]["Error"] for end in ends} == {"DeliveryFailed"}


def test_turning_delivery_off_and_on_again_leaves_nothing_behind(sending: Templates) -> None:
    added = {name: each for name, each in resources(sending).items() if "Deliver" in name or "Mail" in name}
    assert {each.get("DeletionPolicy", "Delete") for each in added.values()} == {"Delete"}


@pytest.mark.parametrize("rule", [*permissions.RULES, *limits.RULES])
def test_the_templates_are_within_what_aws_accepts(rule: Rule, sending: Templates) -> None:
    account = account_of({f"vectora-inbox-{layer}-dev": body for layer, body in sending.items()})
    assert list(rule(account)) == []


def test_cfn_lint_and_cdk_nag_find_nothing(sending: Templates) -> None:
    for template in (sending["s0-iam"], sending["s1-runtime"]):
        assert [str(each) for each in cfnlint.api.lint(json.dumps(template), regions=["eu-west-3"])] == []
    stacks = environment_stacks(cdk.App(), root=ROOT, settings=with_delivery(), env="dev", platform="lambda")
    for pack in (AwsSolutionsChecks, ServerlessChecks):
        for stack in stacks:
            assert [each.rule_name for each in pack(stack).validate_scope(stack).violations] == []


def test_the_canary_has_no_readers() -> None:
    assert load_client(FolderContent(ROOT / "config"), CANARY_CLIENT).delivery is None


@pytest.mark.parametrize("identity", ["Example.org", "News@mail.example.org", "mail.example.org"])
def test_an_identity_covers_its_own_senders(identity: str) -> None:
    delivery = Delivery.model_validate({"identity": identity, "mode": "recipients"})
    assert delivery.covers("News@mail.example.org")
    assert not delivery.covers("news@example.net")
    assert not delivery.covers("news@notexample.org")


def test_a_sender_of_another_domain_stops_the_synthesis(monkeypatch: pytest.MonkeyPatch) -> None:
    from stacks import environment
    from vectora_shared.config.delivery import Delivery as Readers

    client = load_client(FolderContent(ROOT / "config"), "lai_weekly")
    readers = Readers.model_validate({"sender": "LAI <news@example.net>", "recipients": ("anna@example.org",)})
    monkeypatch.setattr(environment, "_clients", lambda *_: (client.model_copy(update={"delivery": readers}),))
    with pytest.raises(ConfigurationError, match=r"lai_weekly\.yaml: delivery\.sender is news@example\.net"):
        synthesized()
