"""Refusals of CloudFormation in AWS's own words, and updates that something else gets in the way of."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from tests.unit.ops.one_stack import ARN, NAME, PAUSED, OneStack, account_with, definition, refusal
from vectora_ops.cloudformation import polling
from vectora_ops.cloudformation.change_set_request import LONGEST_BODY_BYTES, LONGEST_TEMPLATE_BYTES
from vectora_ops.cloudformation.imports import ImportableResource, import_resources
from vectora_ops.cloudformation.refusals import StackBusyError
from vectora_ops.cloudformation.stacks import MOST_ATTEMPTS, Stacks
from vectora_ops.names import Names
from vectora_ops.rollback.plan import stacks_of_target
from vectora_shared.errors import VectoraError

BLAME = "does not accept the template"


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polling, "time", SimpleNamespace(sleep=lambda seconds: None))


def _refusing(operation: str, error: Exception, times: int = 99) -> OneStack:
    """Return a stack whose first requests of this operation are refused."""
    stack, left = OneStack("UPDATE_COMPLETE"), [error] * times

    def refuse(called: str, _request: dict[str, Any]) -> None:
        if called == operation and left:
            raise left.pop()

    stack.before = refuse
    return stack


def _restore(stack: OneStack, **changes: Any) -> bool:
    return Stacks(account_with(stack), assets_bucket="assets").restore(definition(**changes))


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (
            PAUSED.format(status="UPDATE_FAILED"),
            f"aws cloudformation rollback-stack --stack-name {NAME}",
        ),
        (
            f"Stack:{ARN} is in UPDATE_ROLLBACK_FAILED state and can not be updated.",
            f"aws cloudformation continue-update-rollback --stack-name {NAME}",
        ),
        (
            f"Stack:{ARN} is in ROLLBACK_COMPLETE state and can not be updated.",
            f"aws cloudformation delete-stack --stack-name {NAME}",
        ),
        ("Follow-up operations must use the same DeploymentConfig (mode=EXPRESS)", "--express --method=direct"),
        ("Role arn:aws:iam::000000000000:role/cdk-cfn-exec is invalid or cannot be assumed", "cdk bootstrap"),
    ],
)
def test_a_refusal_for_the_state_of_a_stack_does_not_blame_the_template(message: str, said: str) -> None:
    with pytest.raises(VectoraError) as refused:
        _restore(_refusing("create_change_set", refusal(message)))
    assert said in str(refused.value)
    assert BLAME not in str(refused.value)


@pytest.mark.parametrize(
    "message",
    [
        "Template format error: Unresolved resource dependencies [Gone] in the Resources block of the template",
        "Parameters: [Wanted] must have values",
        "1 validation error detected: Value at 'templateBody' failed to satisfy constraint: Member must have length "
        "less than or equal to 51200",
    ],
)
def test_a_refused_template_is_blamed(message: str) -> None:
    with pytest.raises(VectoraError, match=BLAME):
        _restore(_refusing("create_change_set", refusal(message)))


@pytest.mark.parametrize(
    "error",
    [
        refusal("Rate exceeded", "Throttling"),
        refusal("User is not authorized to perform: cloudformation:CreateChangeSet", "AccessDenied"),
        refusal("The security token included in the request is expired", "ExpiredToken"),
        EndpointConnectionError(endpoint_url="https://cloudformation.eu-west-3.amazonaws.com"),
    ],
    ids=["throttled", "denied", "expired", "unreachable"],
)
@pytest.mark.parametrize("operation", ["create_change_set", "execute_change_set", "describe_stacks"])
def test_an_error_that_says_nothing_about_the_stack_stays_what_it_is(error: Exception, operation: str) -> None:
    with pytest.raises(type(error)) as raised:
        _restore(_refusing(operation, error))
    assert raised.value is error


@pytest.mark.parametrize("operation", ["create_change_set", "execute_change_set"])
@pytest.mark.parametrize(
    "error",
    [
        refusal(f"Stack:{ARN} is in UPDATE_IN_PROGRESS state and can not be updated."),
        refusal("An operation on this stack is in progress", "OperationInProgressException"),
    ],
)
def test_an_operation_that_comes_in_between_is_waited_for(error: ClientError, operation: str) -> None:
    assert _restore(_refusing(operation, error, MOST_ATTEMPTS - 1))
    with pytest.raises(StackBusyError, match=f"Another operation is changing stack {NAME}"):
        _restore(_refusing(operation, error))


def test_a_change_set_that_became_obsolete_is_created_again() -> None:
    error = refusal(
        "ChangeSet [arn:change-set] cannot be executed in its current status of [OBSOLETE]",
        "InvalidChangeSetStatus",
        "ExecuteChangeSet",
    )
    stack = _refusing("execute_change_set", error, 1)
    assert _restore(stack)
    assert stack.operations == ["create_change_set", "create_change_set", "execute_change_set"]


def test_a_change_set_of_an_interrupted_call_is_replaced_when_cloudformation_is_done_with_it() -> None:
    exists = refusal("ChangeSet vectora-restore already exists", "AlreadyExistsException")
    busy = refusal("An operation on this ChangeSet is currently in progress.", "InvalidChangeSetStatus")
    stack, deletions = _refusing("create_change_set", exists, 3), [busy, busy]

    def delete(operation: str, request: dict[str, Any], *, before: Any = stack.before) -> None:
        before(operation, request)
        if operation == "delete_change_set" and deletions:
            raise deletions.pop()

    stack.before = delete
    assert _restore(stack)
    assert deletions == []


def test_the_reason_of_a_failed_change_set_is_told_even_if_it_cannot_be_deleted() -> None:
    stack = _refusing("delete_change_set", refusal("not authorized", "AccessDenied"))
    stack.reason = "The following hook(s) failed: [AWS::EarlyValidation::PropertyValidation]"
    with pytest.raises(VectoraError, match="EarlyValidation"):
        _restore(stack)


def test_a_creation_that_still_seems_to_be_in_review_is_waited_for() -> None:
    stack = OneStack("REVIEW_IN_PROGRESS")

    def show_the_review(operation: str, _request: dict[str, Any]) -> None:
        if operation == "execute_change_set":
            stack.shown_before = ["REVIEW_IN_PROGRESS"] * 3

    stack.before = show_the_review
    assert _restore(stack)


def test_an_update_that_the_stack_policy_denies_names_the_policy() -> None:
    denied = "Action denied by stack policy: Statement [#1] does not allow [Update:Replace] for resource [Bucket]"
    stack = OneStack("UPDATE_COMPLETE", fails=("execute_change_set",))
    event = {"StackId": ARN, "LogicalResourceId": "Bucket", "ResourceStatus": "UPDATE_FAILED"}
    stack.events = [{**event, "ResourceStatusReason": denied}]
    with pytest.raises(VectoraError) as failed:
        _restore(stack)
    assert denied in str(failed.value)
    assert f"set-stack-policy --stack-name {NAME}" in str(failed.value)


def test_a_stack_that_is_being_changed_is_not_deleted_under_that_operation() -> None:
    stack = _refusing(
        "delete_stack",
        refusal(f"Stack [{ARN}] cannot be deleted while in status UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"),
    )
    with pytest.raises(StackBusyError):
        Stacks(account_with(stack)).remove(NAME)


# --- parameters and templates


def test_a_secret_parameter_keeps_its_value_and_its_mask_is_never_written() -> None:
    template = {"Resources": {}, "Parameters": {"Key": {"Type": "String", "NoEcho": True}}}
    stack = OneStack("UPDATE_COMPLETE", parameters={"Key": "****"})
    assert _restore(stack, template=template, parameters={"Key": "****"})
    [created] = [request for operation, request in stack.calls if operation == "create_change_set"]
    assert created["Parameters"] == [{"ParameterKey": "Key", "UsePreviousValue": True}]


def test_a_secret_parameter_that_the_stack_has_no_longer_is_named() -> None:
    template = {"Resources": {}, "Parameters": {"Key": {"Type": "String", "NoEcho": True}}}
    with pytest.raises(VectoraError, match=f"Parameter Key of stack {NAME} is secret"):
        _restore(OneStack("UPDATE_COMPLETE"), template=template, parameters={"Key": "****"})


class _Uploads:
    """S3 that remembers uploads."""

    def __init__(self) -> None:
        self.bodies: dict[str, bytes] = {}

    def put_object(self, *, Bucket: str, Key: str, Body: bytes) -> None:  # noqa: N803
        self.bodies[f"https://{Bucket}.s3/{Key}"] = Body

    def generate_presigned_url(self, _operation: str, Params: dict[str, str]) -> str:  # noqa: N803
        return f"https://{Params['Bucket']}.s3/{Params['Key']}?signature"


def _of_length(length: int) -> dict[str, Any]:
    return {"Resources": {}, "Metadata": {"Text": "x" * length}}


def test_a_long_template_is_read_from_a_bucket() -> None:
    stack, uploads, template = OneStack("UPDATE_COMPLETE"), _Uploads(), _of_length(LONGEST_BODY_BYTES)
    assert Stacks(account_with(stack, s3=uploads), assets_bucket="assets").restore(definition(template))
    [(address, body)] = uploads.bodies.items()
    assert stack.calls[0][1]["TemplateURL"] == address
    assert "TemplateBody" not in stack.calls[0][1]
    assert json.loads(body) == template


def test_a_long_template_of_a_snapshot_without_assets_is_read_from_the_bucket_for_code() -> None:
    names = Names(project="vectora-inbox", env="dev")
    target: Any = SimpleNamespace(stacks=[], vault=SimpleNamespace(names=names))
    stack, uploads = OneStack("UPDATE_COMPLETE"), _Uploads()
    stacks = stacks_of_target(account_with(stack, s3=uploads), target, lambda: None)
    assert stacks.restore(definition(_of_length(LONGEST_BODY_BYTES)))
    assert list(uploads.bodies) == [stack.calls[0][1]["TemplateURL"]]
    assert next(iter(uploads.bodies)).startswith(f"https://{names.bucket('lambda-code')}.s3/")


def test_a_template_that_cloudformation_never_accepts_is_named() -> None:
    with pytest.raises(VectoraError, match=f"The template of stack {NAME} has .* divide the stack"):
        _restore(OneStack("UPDATE_COMPLETE"), template=_of_length(LONGEST_TEMPLATE_BYTES))


def test_a_long_template_is_read_from_a_bucket_also_for_an_import() -> None:
    stack, uploads = OneStack(None), _Uploads()

    def stop(operation: str, request: dict[str, Any]) -> None:
        if operation == "create_change_set":
            assert request["TemplateURL"] in uploads.bodies
            raise refusal("Resources [Logs] is missing its identifier")

    stack.before = stop
    logs = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "x" * LONGEST_BODY_BYTES}}
    resource = ImportableResource(NAME, "Logs", "AWS::Logs::LogGroup", "logs", logs)
    with pytest.raises(VectoraError, match=f"refuses to import logs into stack {NAME}: Resources"):
        import_resources(account_with(stack, s3=uploads), (resource,), assets_bucket="assets")
