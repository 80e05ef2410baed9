"""Takes what was created by hand into the stacks that define it, so that a deployment updates it in place."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, WaiterError

from vectora_ops.account import Account
from vectora_ops.cloudformation.lost_text import doubtful_places, lost_in
from vectora_ops.cloudformation.templates import parse_template
from vectora_shared.aws_errors import error_code, is_absent
from vectora_shared.errors import VectoraError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient


BUCKET = "AWS::S3::Bucket"
# Types that outlive a stack or were never in one, and the property that identifies each to CloudFormation.
IDENTIFIERS = {
    BUCKET: "BucketName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Logs::LogGroup": "LogGroupName",
}


@dataclass(frozen=True)
class Orphan:
    """A resource that a stack defines and that exists, but belongs to no stack yet."""

    stack_name: str
    logical_id: str
    kind: str
    name: str
    definition: Mapping[str, Any]  # as little as CloudFormation needs to take it in

    @property
    def as_import(self) -> dict[str, Any]:
        return {
            "ResourceType": self.kind,
            "LogicalResourceId": self.logical_id,
            "ResourceIdentifier": {IDENTIFIERS[self.kind]: self.name},
        }


def find_orphans(account: Account, templates: Mapping[str, Mapping[str, Any]]) -> tuple[Orphan, ...]:
    """`templates` are the synthesized ones by stack name; the result is what `adopt` would take in."""
    return tuple(
        orphan for stack_name, template in templates.items() for orphan in _orphans_of(account, stack_name, template)
    )


def adopt(account: Account, orphans: tuple[Orphan, ...], *, role_arn: str | None = None) -> None:
    """Import the orphans, a change set a stack; nothing about the resources changes, but a bucket's policy goes.

    A policy cannot stay: the stack would make its own, and CloudFormation refuses where there is one. Only the name is
    stated here: the deployment that follows then differs in all else, and so applies all of it. `role_arn` is the role
    that CloudFormation works with. Raises VectoraError with CloudFormation's reason when it refuses; and, before
    anything changes, when a stack's template has text that CloudFormation does not give back.
    """
    cloudformation = account.client("cloudformation")
    stack_names = tuple(dict.fromkeys(orphan.stack_name for orphan in orphans))
    deployed = {stack_name: _deployed(cloudformation, stack_name) for stack_name in stack_names}
    for orphan in orphans:
        if orphan.kind == BUCKET:
            account.client("s3").delete_bucket_policy(Bucket=orphan.name)
    for stack_name, (template, parameters) in deployed.items():
        of_stack = [orphan for orphan in orphans if orphan.stack_name == stack_name]
        role = {"RoleARN": role_arn} if role_arn else {}
        _import_into(cloudformation, stack_name, template, parameters, of_stack, role)


def _orphans_of(account: Account, stack_name: str, template: Mapping[str, Any]) -> Iterator[Orphan]:
    belonging = _logical_ids(account.client("cloudformation"), stack_name)
    for logical_id, resource in template["Resources"].items():
        identifier = IDENTIFIERS.get(resource["Type"])
        if identifier is None or logical_id in belonging:
            continue
        name = resource.get("Properties", {}).get(identifier)
        if not isinstance(name, str):
            continue  # generated, so nothing that was there before can have it
        properties = _minimal_properties(account, resource["Type"], name)
        if properties is not None:
            yield Orphan(
                stack_name=stack_name,
                logical_id=logical_id,
                kind=resource["Type"],
                name=name,
                definition={"Type": resource["Type"], "DeletionPolicy": "Retain", "Properties": properties},
            )


def _minimal_properties(account: Account, kind: str, name: str) -> dict[str, Any] | None:
    """The properties to import by, or None when there is no such resource."""
    if kind == BUCKET:
        return {"BucketName": name} if _has_bucket(account, name) else None
    if kind == "AWS::Logs::LogGroup":
        groups = account.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
        return {"LogGroupName": name} if any(group["logGroupName"] == name for group in groups) else None
    try:
        found = account.client("lambda").get_function(FunctionName=name)
    except ClientError as error:
        if is_absent(error, "function"):
            return None
        raise
    function = found["Configuration"]
    # CloudFormation requires code; it is not uploaded by an import, and differs from every package to come.
    code = {"ZipFile": "# adopted: replaced by the next deployment"}
    kept = {key: function[key] for key in ("FunctionName", "Role", "Runtime", "Handler")}
    return {**kept, "Code": code}


def _has_bucket(account: Account, name: str) -> bool:
    try:
        account.client("s3").head_bucket(Bucket=name)
    except ClientError as error:
        if is_absent(error, "bucket"):
            return False
        # 400, 403 or 301: it is there, and it is not known whose (HeadBucket, API reference).
        raise VectoraError(
            f"There is a bucket {name}, and S3 does not let you see it (status {error_code(error)}): it is another "
            f"account's or another region's, or you lack s3:ListBucket on it. Bucket names are unique in all of AWS."
        ) from error
    return True


def _logical_ids(cloudformation: CloudFormationClient, stack_name: str) -> set[str]:
    try:
        pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack_name)
        return {summary["LogicalResourceId"] for page in pages for summary in page["StackResourceSummaries"]}
    except ClientError as error:
        if is_absent(error, "stack"):
            return set()
        raise


def _import_into(
    cloudformation: CloudFormationClient,
    stack_name: str,
    template: dict[str, Any],
    parameters: list[str],
    orphans: list[Orphan],
    role: Mapping[str, Any],
) -> None:
    taken_in = {orphan.logical_id: dict(orphan.definition) for orphan in orphans}
    template["Resources"] = {**template.get("Resources", {}), **taken_in}
    names = ", ".join(orphan.name for orphan in orphans)
    change_set = cloudformation.create_change_set(
        StackName=stack_name,
        # An adoption that was interrupted leaves its change set behind; the next one must not meet it.
        ChangeSetName=f"vectora-adoption-{uuid.uuid4().hex}",
        ChangeSetType="IMPORT",
        TemplateBody=json.dumps(template),
        Parameters=[{"ParameterKey": key, "UsePreviousValue": True} for key in parameters],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
        ResourcesToImport=[orphan.as_import for orphan in orphans],  # type: ignore[misc]
        **role,
    )["Id"]
    try:
        cloudformation.get_waiter("change_set_create_complete").wait(
            StackName=stack_name, ChangeSetName=change_set, WaiterConfig={"Delay": 1, "MaxAttempts": 300}
        )
        cloudformation.execute_change_set(StackName=stack_name, ChangeSetName=change_set)
        cloudformation.get_waiter("stack_import_complete").wait(
            StackName=stack_name, WaiterConfig={"Delay": 1, "MaxAttempts": 600}
        )
    except WaiterError as error:
        described = cloudformation.describe_change_set(StackName=stack_name, ChangeSetName=change_set)
        reason = described.get("StatusReason") or str(error)
        raise VectoraError(f"CloudFormation did not take {names} into stack {stack_name}: {reason}") from error


def _deployed(cloudformation: CloudFormationClient, stack_name: str) -> tuple[dict[str, Any], list[str]]:
    """The stack's template and the names of its parameters; both empty when there is no such stack.

    Raises VectoraError when the template has text that CloudFormation does not give back: it would be imported changed,
    which CloudFormation refuses with a reason that names another cause (aws-cdk 38708).
    """
    try:
        stack = cloudformation.describe_stacks(StackName=stack_name)["Stacks"][0]
        if stack["StackStatus"] == "REVIEW_IN_PROGRESS":
            # Left by an adoption that was interrupted: it has a change set, and no template yet.
            return {}, []
        body = cloudformation.get_template(StackName=stack_name, TemplateStage="Original")["TemplateBody"]
    except ClientError as error:
        if is_absent(error, "stack"):
            return {}, []
        raise
    template = parse_template(body) if isinstance(body, str) else dict(body)
    if doubtful := doubtful_places(template):
        raise VectoraError(
            f"{lost_in(stack_name, doubtful)}, so nothing can be imported into the stack. Update it from its own "
            "source with such texts in plain ASCII, then try again."
        )
    return template, [parameter["ParameterKey"] for parameter in stack.get("Parameters", [])]
