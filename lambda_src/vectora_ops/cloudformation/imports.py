"""Import of existing resources into the stacks that define them, so that a deployment updates them in place."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, WaiterError

from vectora_ops.account import Account
from vectora_ops.cloudformation.change_set_request import TemplateSender
from vectora_ops.cloudformation.live_definitions import (
    CodeObject,
    bucket_properties,
    code_of,
    function_properties,
    log_group_properties,
    policy_of_bucket,
)
from vectora_ops.cloudformation.lost_text import describe_lost_text, lost_text_paths
from vectora_ops.cloudformation.refusals import explained
from vectora_ops.cloudformation.statuses import REVIEW
from vectora_ops.cloudformation.templates import parse_template
from vectora_shared.aws_errors import error_code, is_absent
from vectora_shared.errors import VectoraError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient


BUCKET, BUCKET_POLICY = "AWS::S3::Bucket", "AWS::S3::BucketPolicy"
FUNCTION_TYPE, LOG_GROUP = "AWS::Lambda::Function", "AWS::Logs::LogGroup"
# Types that may exist outside any stack, and the property by which CloudFormation identifies each. Bucket policies:
# CloudFormation user guide, resource type support (cloudformation-coverage-roadmap 1068).
IDENTIFIERS = {BUCKET: "BucketName", BUCKET_POLICY: "Bucket", FUNCTION_TYPE: "FunctionName", LOG_GROUP: "LogGroupName"}
# A rollback imports what outlived a deleted stack, and immediately updates it to the snapshot's definition.
REPLACED_AT_ONCE = {"ZipFile": "# imported: replaced by the update that follows"}


@dataclass(frozen=True)
class ImportableResource:
    """A resource that a stack defines, and that exists outside any stack. `code` is to hold a function's package."""

    stack_name: str
    logical_id: str
    kind: str
    name: str
    definition: Mapping[str, Any]  # of the resource in a template
    code: CodeObject | None = None

    @property
    def as_import(self) -> dict[str, Any]:
        return {
            "ResourceType": self.kind,
            "LogicalResourceId": self.logical_id,
            "ResourceIdentifier": {IDENTIFIERS[self.kind]: self.name},
        }


def find_importable(
    account: Account, templates: Mapping[str, Mapping[str, Any]], *, code_bucket: str | None = None
) -> tuple[ImportableResource, ...]:
    """Return the resources that `import_resources` can import; `templates` are the synthesized ones by stack name.

    With `code_bucket`, resources are defined with all their settings, and functions with their code in that bucket,
    where the caller stores it before the import. Without it, functions and buckets are defined with little more than
    their names, which the caller's next update must replace.
    """
    finder = _Finder(account, code_bucket)
    return tuple(
        resource for stack_name, template in templates.items() for resource in finder.of_stack(stack_name, template)
    )


def import_resources(
    account: Account,
    resources: tuple[ImportableResource, ...],
    *,
    assets_bucket: str | None,
    role_arn: str | None = None,
) -> None:
    """Import the resources, with one change set per stack.

    An import may be followed by an update of what the template states differently
    (cloudformation-coverage-roadmap 809 and 1497). So nothing changes if the definitions state all settings.
    CloudFormation uses the role `role_arn`. `assets_bucket` receives templates that are too long for a request.

    Raises VectoraError with CloudFormation's reason when it refuses, and before any change when a stack's template has
    text that CloudFormation does not return.
    """
    cloudformation = account.client("cloudformation")
    stack_names = tuple(dict.fromkeys(resource.stack_name for resource in resources))
    deployed = {stack_name: _deployed(cloudformation, stack_name) for stack_name in stack_names}
    for stack_name, (template, parameters) in deployed.items():
        of_stack = [resource for resource in resources if resource.stack_name == stack_name]
        imported = {resource.logical_id: dict(resource.definition) for resource in of_stack}
        template["Resources"] = {**template.get("Resources", {}), **imported}
        sent = TemplateSender(account, assets_bucket).send(stack_name, json.dumps(template))
        role = {"RoleARN": role_arn} if role_arn else {}
        _import_into(cloudformation, stack_name, parameters, of_stack, {**sent, **role})


class _Finder:
    """Finder of resources that exist outside any stack."""

    def __init__(self, account: Account, code_bucket: str | None) -> None:
        self._account = account
        self._code_bucket = code_bucket

    def of_stack(self, stack_name: str, template: Mapping[str, Any]) -> Iterator[ImportableResource]:
        deployed = _logical_ids(self._account.client("cloudformation"), stack_name)
        for logical_id, resource in template["Resources"].items():
            kind = resource["Type"]
            if kind not in IDENTIFIERS or logical_id in deployed:
                continue
            name = _name_of(resource, template)
            if name is None:
                continue  # a generated name, which no existing resource can have
            properties, code = self._existing(kind, name)
            if properties is not None:
                definition = {"Type": kind, "DeletionPolicy": "Retain", "Properties": properties}
                yield ImportableResource(stack_name, logical_id, kind, name, definition, code)

    def _existing(self, kind: str, name: str) -> tuple[dict[str, Any] | None, CodeObject | None]:
        """Return the properties of a resource, None when there is no such resource, and where its code belongs."""
        match kind:
            case "AWS::S3::Bucket":
                return (self._bucket(name) if _has_bucket(self._account, name) else None), None
            case "AWS::S3::BucketPolicy":
                return policy_of_bucket(self._account, name), None
            case "AWS::Logs::LogGroup":
                return log_group_properties(self._account, name), None
        return self._function(name)

    def _bucket(self, name: str) -> dict[str, Any]:
        # Only an adoption keeps the settings; a rollback's next update states those of the snapshot.
        return bucket_properties(self._account, name) if self._code_bucket else {"BucketName": name}

    def _function(self, name: str) -> tuple[dict[str, Any] | None, CodeObject | None]:
        try:
            found = self._account.client("lambda").get_function(FunctionName=name)
        except ClientError as error:
            if is_absent(error, "function"):
                return None, None
            raise
        if self._code_bucket is None:
            required = {key: found["Configuration"][key] for key in ("FunctionName", "Role", "Runtime", "Handler")}
            return {**required, "Code": REPLACED_AT_ONCE}, None
        code = code_of(found, self._code_bucket)
        return function_properties(found, code.properties), code


def _name_of(resource: Mapping[str, Any], template: Mapping[str, Any]) -> str | None:
    name = resource.get("Properties", {}).get(IDENTIFIERS[resource["Type"]])
    if resource["Type"] == BUCKET_POLICY and isinstance(name, Mapping):
        bucket = template["Resources"].get(name.get("Ref"), {})
        name = bucket.get("Properties", {}).get("BucketName")
    return name if isinstance(name, str) else None


def _has_bucket(account: Account, name: str) -> bool:
    try:
        account.client("s3").head_bucket(Bucket=name)
    except ClientError as error:
        if is_absent(error, "bucket"):
            return False
        # 400, 403 or 301: the bucket exists, and its owner is unknown (HeadBucket, API reference).
        raise VectoraError(
            f"There is a bucket {name}, and S3 refuses access to it (status {error_code(error)}): it is in another "
            f"account or region, or you lack s3:ListBucket on it. Bucket names are unique in all of AWS."
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
    parameters: list[str],
    resources: list[ImportableResource],
    request: Mapping[str, Any],
) -> None:
    names = ", ".join(resource.name for resource in resources)
    try:
        change_set = cloudformation.create_change_set(
            StackName=stack_name,
            # Random, so that it differs from the change set that an interrupted import left.
            ChangeSetName=f"vectora-adoption-{uuid.uuid4().hex}",
            ChangeSetType="IMPORT",
            Parameters=[{"ParameterKey": key, "UsePreviousValue": True} for key in parameters],
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
            ResourcesToImport=[resource.as_import for resource in resources],  # type: ignore[misc]
            **request,
        )["Id"]
    except ClientError as error:
        raise explained(stack_name, error, f"import {names} into") from error
    try:
        cloudformation.get_waiter("change_set_create_complete").wait(
            StackName=stack_name, ChangeSetName=change_set, WaiterConfig={"Delay": 1, "MaxAttempts": 300}
        )
        cloudformation.execute_change_set(StackName=stack_name, ChangeSetName=change_set)
        cloudformation.get_waiter("stack_import_complete").wait(
            StackName=stack_name, WaiterConfig={"Delay": 1, "MaxAttempts": 600}
        )
    except WaiterError as error:
        reason = _reason(cloudformation, stack_name, change_set) or str(error)
        raise VectoraError(f"CloudFormation did not import {names} into stack {stack_name}: {reason}") from error


def _reason(cloudformation: CloudFormationClient, stack_name: str, change_set: str) -> str | None:
    """Return CloudFormation's reason for the failure of an import; None when it gives none."""
    try:
        described = cloudformation.describe_change_set(StackName=stack_name, ChangeSetName=change_set)
    except ClientError as error:
        # A failed import may have deleted its change set; its own error is still to be reported.
        if is_absent(error, "change set"):
            return None
        raise
    return described.get("StatusReason")


def _deployed(cloudformation: CloudFormationClient, stack_name: str) -> tuple[dict[str, Any], list[str]]:
    """Return the stack's template and the names of its parameters; both empty when there is no such stack.

    Raises VectoraError when the template has text that CloudFormation does not return. CloudFormation refuses an import
    with a changed text, and its reason names another cause (aws-cdk 38708).
    """
    try:
        stack = cloudformation.describe_stacks(StackName=stack_name)["Stacks"][0]
        if stack["StackStatus"] == REVIEW:
            # Left by an interrupted import: the stack has a change set, and no template yet.
            return {}, []
        body = cloudformation.get_template(StackName=stack_name, TemplateStage="Original")["TemplateBody"]
    except ClientError as error:
        if is_absent(error, "stack"):
            return {}, []
        raise
    template = parse_template(body) if isinstance(body, str) else dict(body)
    if paths := lost_text_paths(template):
        raise VectoraError(
            f"{describe_lost_text(stack_name, paths)}, so nothing can be imported into the stack. Update it from its "
            "own source with such texts in plain ASCII, then try again."
        )
    return template, [parameter["ParameterKey"] for parameter in stack.get("Parameters", [])]
