"""Live state of an environment."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from vectora_ops.account import Account
from vectora_ops.cloudformation.definition import FUNCTION, StackDefinition
from vectora_ops.cloudformation.reading import StackReader
from vectora_ops.cloudformation.statuses import is_changing, is_usable
from vectora_ops.names import DELIVERY_TASK, FUNCTION_TASKS, OPERATIONS_LAYER, STACK_LAYERS, Names
from vectora_ops.withholding_key import withholding_key
from vectora_shared.aws_errors import is_absent
from vectora_shared.errors import VectoraError

T = TypeVar("T")


@dataclass(frozen=True)
class Layer:
    """A layer version in use; `sha256` is None when its bytes cannot be read.

    That is a deleted version, or a foreign one: a layer of another account, such as AWS's Powertools. The content of a
    version never changes (Lambda guide, layers), so its ARN identifies a foreign one, and a rollback attaches that ARN
    again. It is not read, because the roles of the environment may read layers of their own account only.
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
            # A layer name has no colon, so no layer of this account has the same path.
            owner, _, name, version = self.arn.split(":")[4:]
            return f"{owner}:{name}/{version}"
        return f"{self.name}/{self.sha256[:16] if self.sha256 else 'deleted-version'}"


class Environment:
    """State of an environment at one time: answers are cached, so that all parts of the state are consistent."""

    def __init__(
        self,
        account: Account,
        names: Names,
        *,
        before: Environment | None = None,
        key: Callable[[Account, Names], bytes] = withholding_key,
    ) -> None:
        """Prepare the state; what CloudFormation has not changed since `before` is taken from there.

        `key` returns the withholding key, and creates it when there is none.
        """
        self.account = account
        self.names = names
        # Without the operations stack, which holds this tool: a snapshot is taken while that stack is deployed.
        self.stack_names = tuple(names.stack(layer) for layer in STACK_LAYERS if layer != OPERATIONS_LAYER)
        self._before = before
        self._key = key
        self._stacks = StackReader(account)
        self._descriptions: dict[str, Mapping[str, Any] | None] = {}
        self._functions: dict[str, dict[str, Any] | None] = {}
        self._layers: dict[str, Layer] = {}
        # By function name or layer ARN. Their addresses lapse after minutes, so each is used once, at the beginning.
        self._unused_answers: dict[str, Any] = {}
        self._definitions: dict[str, StackDefinition | None] = {}
        self._resources: dict[str, Mapping[str, tuple[str, str]]] = {}
        self._remembered: dict[str, Any] = {}

    def withholding_key(self) -> bytes:
        """Return the key of the digests that snapshots hold instead of values of unknown variables."""
        return self.remembered("withholding key", lambda: self._key(self.account, self.names))

    def now(self) -> Environment:
        """Return the state at a later time, for which only what may have changed is read again."""
        return Environment(self.account, self.names, before=self, key=self._key)

    def last_change(self, name: str) -> str:
        """Return what CloudFormation sets at each change of a stack: its id, status, and time of the last update.

        Each update sets the time (CloudFormation API reference, Stack: LastUpdatedTime), and one that is rolled back
        restores what was there. So equal results mean an equal template, parameters, tags, outputs and resources.
        """
        described = self._description(name) or {}
        return " ".join(str(described.get(key, "")) for key in ("StackId", "StackStatus", "LastUpdatedTime"))

    def changed_at(self, name: str) -> datetime | None:
        """Return when CloudFormation created or last updated a stack; None when there is no such stack."""
        described = self._description(name) or {}
        changed: datetime | None = described.get("LastUpdatedTime") or described.get("CreationTime")
        return changed

    def stack(self, name: str) -> StackDefinition | None:
        if name not in self._definitions:
            unchanged = self._unchanged_since(name)
            self._definitions[name] = (
                unchanged.stack(name) if unchanged else self._stacks.definition(name, self._description(name))
            )
        return self._definitions[name]

    def has(self, definition: StackDefinition) -> bool:
        """Return whether a stack has this very definition, and its last change succeeded or was rolled back."""
        return is_usable(self.status(definition.name) or "") and self.stack(definition.name) == definition

    def status(self, name: str) -> str | None:
        """Return a stack's status, or None when there is no such stack."""
        described = self._description(name)
        return str(described["StackStatus"]) if described else None

    def resources(self, name: str) -> Mapping[str, tuple[str, str]]:
        """Return type and physical id by logical id; empty when there is no such stack.

        A stack in a failed status, whose definition does not count, has resources nevertheless.
        """
        if name not in self._resources:
            unchanged = self._unchanged_since(name)
            if unchanged:
                self._resources[name] = unchanged.resources(name)
            else:
                self._resources[name] = self._stacks.resources(name) if self.status(name) else {}
        return self._resources[name]

    def outputs(self, name: str) -> dict[str, str]:
        described = self._description(name) or {}
        return {each["OutputKey"]: each.get("OutputValue", "") for each in described.get("Outputs", [])}

    def _description(self, name: str) -> Mapping[str, Any] | None:
        if name not in self._descriptions:
            self._descriptions[name] = self._stacks.describe(name)
        return self._descriptions[name]

    def _unchanged_since(self, name: str) -> Environment | None:
        """Return the earlier state that has read a stack which has not changed since, and was not changing then."""
        before = self._before
        while before is not None and name not in before._definitions:
            before = before._before
        if before is None or before.last_change(name) != self.last_change(name):
            return None
        return None if self._is_changing(name) else before

    def changing_stacks(self) -> list[str]:
        """Return the stacks that CloudFormation was changing."""
        return [name for name in self.stack_names if self._is_changing(name)]

    def _is_changing(self, name: str) -> bool:
        return is_changing(self.status(name) or "")

    def stack_of_function(self, name: str) -> tuple[str, str] | None:
        """Return stack and logical id of a function, or None when no stack of the environment has it."""
        return self._owner_of(FUNCTION, name)

    def _owner_of(self, kind: str, physical_id: str) -> tuple[str, str] | None:
        for stack in self.stack_names:
            for logical_id, resource in self.resources(stack).items():
                if resource == (kind, physical_id):
                    return stack, logical_id
        return None

    def function_names(self) -> list[str]:
        in_stacks = {
            physical_id
            for stack in self.stack_names
            for kind, physical_id in self.resources(stack).values()
            if kind == FUNCTION
        }
        # In the running system, functions were made by hand; that of delivery exists in stacks only.
        by_hand = {self.names.function(task) for task in FUNCTION_TASKS if task != DELIVERY_TASK}
        return sorted(in_stacks | by_hand)

    def function(self, name: str) -> dict[str, Any] | None:
        if name not in self._functions:
            self._functions[name] = answer = self._read_function(name)
            if answer is not None:
                self._unused_answers[name] = answer
        return self._functions[name]

    def _read_function(self, name: str) -> dict[str, Any] | None:
        try:
            answer: dict[str, Any] = self.account.client("lambda").get_function(FunctionName=name)
        except ClientError as error:
            if is_absent(error, "function"):
                return None
            raise
        # Lambda omits what the caller may not read and still answers 200: tags without lambda:ListTags, variables when
        # the caller may not decrypt them (GetFunctionResponse and EnvironmentResponse, botocore's model of Lambda).
        if withheld := answer.get("TagsError"):
            raise _incomplete_read(name, "tags", "lambda:ListTags", withheld)
        if withheld := answer["Configuration"].get("Environment", {}).get("Error"):
            raise _incomplete_read(name, "environment variables", "kms:Decrypt on its key", withheld)
        return answer

    def code_address(self, name: str) -> str:
        """Return a presigned address of a function's code: at first the one that was read with the function."""
        answer = self._unused_answers.pop(name, None) or self._read_function(name)
        if answer is None:
            raise VectoraError(f"Function {name} was deleted while its code was read: try again.")
        return str(answer["Code"]["Location"])

    def layers_in_use(self) -> list[Layer]:
        functions = (self.function(name) for name in self.function_names())
        arns = {each["Arn"] for found in functions if found for each in found["Configuration"].get("Layers", [])}
        return [self.layer(arn) for arn in sorted(arns)]

    def layer(self, arn: str) -> Layer:
        if arn not in self._layers:
            self._layers[arn] = self._known_layer(arn) or self._read_layer(arn)
        return self._layers[arn]

    def _known_layer(self, arn: str) -> Layer | None:
        """Return a layer version that was read before with its bytes; these never change (Lambda guide, layers)."""
        before = self._before
        while before is not None and arn not in before._layers:
            before = before._before
        return before._layers[arn] if before is not None and before._layers[arn].sha256 else None

    def layer_address(self, arn: str) -> str:
        """Return a presigned address of a layer's content: at first the one that was read with the layer."""
        answer = self._unused_answers.pop(arn, None) or self._layer_version(arn)
        return str(answer["Content"]["Location"])

    def _layer_version(self, arn: str) -> Any:
        layer, _, number = arn.rpartition(":")
        return self.account.client("lambda").get_layer_version(LayerName=layer, VersionNumber=int(number))

    def _read_layer(self, arn: str) -> Layer:
        owner, _, name = arn.split(":")[4:7]
        if owner != self.account.account_id:
            # Both notes are part of the snapshot's format: a changed word is a difference to all earlier snapshots.
            note = {"note": "This layer is of another account: its bytes stay there, a rollback refers to it."}
            return Layer(arn, name, None, 0, note, foreign=True)
        try:
            answer = self._unused_answers[arn] = self._layer_version(arn)
        except ClientError as error:
            if not is_absent(error, "layer version"):
                raise
            return Layer(arn, name, None, 0, {"note": "This version was deleted: its bytes are gone."})
        published = ("Description", "CompatibleRuntimes", "CompatibleArchitectures", "LicenseInfo")
        return Layer(
            arn=arn,
            name=name,
            sha256=hex_digest(answer["Content"]["CodeSha256"]),
            size=answer["Content"]["CodeSize"],
            description={key: answer[key] for key in published if answer.get(key)},
        )

    def role(self, arn: str) -> str:
        """Return a role's stack and logical id, or its ARN without a stack: its name is generated at each creation."""
        owner = self._owner_of("AWS::IAM::Role", arn.rpartition("/")[2])
        return "/".join(owner) if owner else arn

    def remembered(self, name: str, read: Callable[[], T]) -> T:
        """Return what `read` returned for this name at its first call."""
        if name not in self._remembered:
            self._remembered[name] = read()
        found: T = self._remembered[name]
        return found

    def release(self) -> str | None:
        return self.remembered("release", self._read_release)

    def _read_release(self) -> str | None:
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
        f"Lambda did not return the {what} of function {function} ({reason.rstrip('.')}): a snapshot or comparison "
        f"without them would be wrong. Grant {permission} to the identity that runs this, then try again."
    )


def hex_digest(base64_digest: str) -> str:
    return base64.b64decode(base64_digest).hex()
