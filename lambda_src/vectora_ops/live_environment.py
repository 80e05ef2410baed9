"""Environment as it is deployed now."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from vectora_ops.account import Account
from vectora_ops.cloudformation.stacks import StackDefinition, Stacks
from vectora_ops.names import FUNCTION_TASKS, OPERATIONS_LAYER, STACK_LAYERS, Names
from vectora_shared.aws_errors import is_absent
from vectora_shared.errors import VectoraError


@dataclass(frozen=True)
class Layer:
    """A version of a layer in use; `sha256` is None for one whose bytes cannot be had.

    That is a version that was deleted, or a foreign one: the layer of another account, such as AWS's Powertools. A
    foreign version is known by its ARN, whose content never changes (Lambda guide, layers): a rollback attaches it
    again by that ARN. Nothing of it is read, because the environment's roles may read layers of their own account only.
    """

    arn: str
    name: str
    sha256: str | None
    size: int
    description: Mapping[str, Any]
    foreign: bool = False

    @property
    def reference(self) -> dict[str, str | None]:
        """Identity of this version."""
        return {"arn": self.arn} if self.foreign else {"name": self.name, "sha256": self.sha256}

    @property
    def path(self) -> str:
        if self.foreign:
            # No layer of this account has a colon in its name, so none is taken for it.
            owner, _, name, version = self.arn.split(":")[4:]
            return f"{owner}:{name}/{version}"
        return f"{self.name}/{self.sha256[:16] if self.sha256 else 'deleted-version'}"


class Environment:
    """One look at an environment: answers are kept, so that its parts agree with each other."""

    def __init__(self, account: Account, names: Names) -> None:
        self.account = account
        self.names = names
        # The operations stack holds the tool itself: a snapshot is taken while it is being deployed.
        self.stack_names = tuple(names.stack(layer) for layer in STACK_LAYERS if layer != OPERATIONS_LAYER)
        self._stacks = Stacks(account)
        self._functions: dict[str, dict[str, Any] | None] = {}
        self._layers: dict[str, Layer] = {}
        self._definitions: dict[str, StackDefinition | None] = {}
        self._resources: dict[str, Mapping[str, tuple[str, str]]] = {}

    def stack(self, name: str) -> StackDefinition | None:
        if name not in self._definitions:
            self._definitions[name] = self._stacks.read(name)
        return self._definitions[name]

    def resources(self, name: str) -> Mapping[str, tuple[str, str]]:
        """By logical id the type and the physical id; empty when there is no such stack."""
        if name not in self._resources:
            self._resources[name] = self._stacks.resources(name) if self.stack(name) else {}
        return self._resources[name]

    def outputs(self, name: str) -> dict[str, str]:
        described = self._described(name) or {}
        return {each["OutputKey"]: each.get("OutputValue", "") for each in described.get("Outputs", [])}

    def moving_stacks(self) -> list[str]:
        """Stacks that CloudFormation is changing at this moment."""
        statuses = {name: (self._described(name) or {}).get("StackStatus", "") for name in self.stack_names}
        waiting = "REVIEW_IN_PROGRESS"  # for somebody to execute its first change set
        return [name for name, status in statuses.items() if status.endswith("_IN_PROGRESS") and status != waiting]

    def _described(self, name: str) -> dict[str, Any] | None:
        try:
            described: dict[str, Any] = self.account.client("cloudformation").describe_stacks(StackName=name)["Stacks"][
                0
            ]
        except ClientError as error:
            if is_absent(error, "stack"):
                return None
            raise
        return described

    def stack_of_function(self, name: str) -> tuple[str, str] | None:
        """Stack and logical id of a function, or None when it belongs to no stack."""
        for stack in self.stack_names:
            for logical_id, (kind, physical_id) in self.resources(stack).items():
                if kind == "AWS::Lambda::Function" and physical_id == name:
                    return stack, logical_id
        return None

    def function_names(self) -> list[str]:
        in_stacks = {
            physical_id
            for stack in self.stack_names
            for kind, physical_id in self.resources(stack).values()
            if kind == "AWS::Lambda::Function"
        }
        return sorted(in_stacks | {self.names.function(task) for task in FUNCTION_TASKS})

    def function(self, name: str) -> dict[str, Any] | None:
        if name not in self._functions:
            self._functions[name] = self._read_function(name)
        return self._functions[name]

    def _read_function(self, name: str) -> dict[str, Any] | None:
        try:
            answer: dict[str, Any] = self.account.client("lambda").get_function(FunctionName=name)
        except ClientError as error:
            if is_absent(error, "function"):
                return None
            raise
        # Lambda leaves out what the caller may not see and still answers 200: tags without lambda:ListTags, variables
        # without the right to decrypt them (GetFunctionResponse and EnvironmentResponse, botocore's model of Lambda).
        if withheld := answer.get("TagsError"):
            raise _incomplete_read(name, "tags", "lambda:ListTags", withheld)
        if withheld := answer["Configuration"].get("Environment", {}).get("Error"):
            raise _incomplete_read(name, "environment variables", "kms:Decrypt on its key", withheld)
        return answer

    def layers_in_use(self) -> list[Layer]:
        functions = (self.function(name) for name in self.function_names())
        arns = {each["Arn"] for found in functions if found for each in found["Configuration"].get("Layers", [])}
        return [self.layer(arn) for arn in sorted(arns)]

    def layer(self, arn: str) -> Layer:
        if arn not in self._layers:
            self._layers[arn] = self._read_layer(arn)
        return self._layers[arn]

    def layer_version(self, arn: str) -> Any:
        layer, _, number = arn.rpartition(":")
        return self.account.client("lambda").get_layer_version(LayerName=layer, VersionNumber=int(number))

    def _read_layer(self, arn: str) -> Layer:
        owner, _, name = arn.split(":")[4:7]
        if owner != self.account.account_id:
            note = {"note": "This layer is of another account: its bytes stay there, a rollback refers to it."}
            return Layer(arn, name, None, 0, note, foreign=True)
        try:
            answer = self.layer_version(arn)
        except ClientError as error:
            if not is_absent(error, "layer version"):
                raise
            return Layer(arn, name, None, 0, {"note": "This version was deleted: its bytes are gone."})
        decided = ("Description", "CompatibleRuntimes", "CompatibleArchitectures", "LicenseInfo")
        return Layer(
            arn=arn,
            name=name,
            sha256=hex_digest(answer["Content"]["CodeSha256"]),
            size=answer["Content"]["CodeSize"],
            description={key: answer[key] for key in decided if answer.get(key)},
        )

    def role(self, arn: str) -> str:
        """The role by the stack that defines it: its own name is generated, and another one after a restore."""
        name = arn.rpartition("/")[2]
        for stack in self.stack_names:
            for logical_id, (kind, physical_id) in self.resources(stack).items():
                if kind == "AWS::IAM::Role" and physical_id == name:
                    return f"{stack}/{logical_id}"
        return arn

    def release(self) -> str | None:
        ssm = self.account.client("ssm")
        try:
            return str(ssm.get_parameter(Name=self.names.parameter("release"))["Parameter"]["Value"])
        except ClientError as error:
            if is_absent(error, "parameter"):
                return None
            raise


def _incomplete_read(function: str, what: str, permission: str, error: Mapping[str, str]) -> VectoraError:
    reason = f"{error.get('ErrorCode', 'no code')}: {error.get('Message', 'no reason given')}"
    return VectoraError(
        f"Lambda does not tell the {what} of function {function} ({reason.rstrip('.')}): a snapshot or comparison "
        f"without them would be wrong. Grant {permission} to whoever runs this, then try again."
    )


def hex_digest(base64_digest: str) -> str:
    return base64.b64decode(base64_digest).hex()
