"""Template, parameters and tags of a change set, without text that CloudFormation may have replaced."""

from __future__ import annotations

import hashlib
from collections.abc import Set
from typing import Any

from vectora_ops.account import Account
from vectora_ops.cloudformation.definition import StackDefinition
from vectora_ops.cloudformation.lost_text import describe_lost_text, lost_text_paths, may_have_lost_text
from vectora_ops.cloudformation.templates import parse_template
from vectora_shared.errors import VectoraError

# CreateChangeSet accepts no longer TemplateBody (API reference); longer templates are read from a bucket.
LONGEST_BODY_BYTES = 51_200
# CreateChangeSet reads no longer template from a bucket (API reference, TemplateURL: 1 MB).
LONGEST_TEMPLATE_BYTES = 1_000_000
NO_ECHO = "****"


def require_writable(definition: StackDefinition, live: StackDefinition | None) -> None:
    """Raise VectoraError naming the path when the stack cannot be restored without a change of characters."""
    require_writable_template(definition.name, definition.template, live)
    parameters(definition, definition.template, live, previous=live.parameters.keys() if live else frozenset())
    tags(definition, live)


def require_writable_template(name: str, template: str, live: StackDefinition | None) -> bool:
    """Return whether the template can be sent; when not, `live` has the same one, or VectoraError is raised."""
    paths = lost_text_paths(parse_template(template))
    if paths and (live is None or live.template != template):
        raise _cannot_write(name, paths)
    return not paths


class TemplateSender:
    """Sender of templates to CloudFormation; `assets_bucket` receives those that are too long for a request."""

    def __init__(self, account: Account, assets_bucket: str | None) -> None:
        self._account = account
        self._assets_bucket = assets_bucket

    def request(self, name: str, template: str, live: StackDefinition | None) -> dict[str, Any]:
        """Return the template as fields of CreateChangeSet; uploads a long one.

        `live` is the stack's current definition, needed where the template may have lost text.
        """
        if not require_writable_template(name, template, live):
            return {"UsePreviousTemplate": True}
        return self.send(name, template)

    def send(self, name: str, template: str) -> dict[str, Any]:
        """Return a template whose text is complete as fields of CreateChangeSet; uploads a long one."""
        body = template.encode("utf-8")
        if len(body) <= LONGEST_BODY_BYTES:
            return {"TemplateBody": template}
        if len(body) > LONGEST_TEMPLATE_BYTES:
            raise VectoraError(
                f"The template of stack {name} has {len(body):,} bytes, and CloudFormation accepts "
                f"{LONGEST_TEMPLATE_BYTES:,}: divide the stack."
            )
        if self._assets_bucket is None:
            raise VectoraError(
                f"The template of stack {name} has {len(body):,} bytes, so it must come from a bucket, and no stack of "
                "the snapshot names one: deploy the stack from its own source (cdk deploy), then run this again."
            )
        key = f"vectora-restore/{hashlib.sha256(body).hexdigest()}"
        s3 = self._account.client("s3")
        s3.put_object(Bucket=self._assets_bucket, Key=key, Body=body)
        # CloudFormation requires the object's address without the signature.
        url = s3.generate_presigned_url("get_object", Params={"Bucket": self._assets_bucket, "Key": key})
        return {"TemplateURL": str(url).partition("?")[0]}


def parameters(
    definition: StackDefinition, template: str, live: StackDefinition | None, *, previous: Set[str]
) -> list[dict[str, Any]]:
    """Return the definition's parameters that the template declares, as CreateChangeSet expects them.

    `previous` are the names of the stack's parameters now: only of these can the previous value be used.
    """
    declared = parse_template(template).get("Parameters", {})
    found: list[dict[str, Any]] = []
    for key, value in sorted(definition.parameters.items()):
        if key not in declared:
            continue
        if may_have_lost_text(value):
            if live is None or live.parameters.get(key) != value:
                raise _cannot_write(definition.name, (f"Parameter.{key}",))
            found.append({"ParameterKey": key, "UsePreviousValue": True})
        elif value != NO_ECHO:
            found.append({"ParameterKey": key, "ParameterValue": value})
        elif key in previous:
            found.append({"ParameterKey": key, "UsePreviousValue": True})
        else:
            raise VectoraError(
                f"Parameter {key} of stack {definition.name} is secret (NoEcho), so no snapshot holds it: create "
                "the stack, or its parameter, by hand with its value, then roll back again."
            )
    return found


def tags(definition: StackDefinition, live: StackDefinition | None) -> dict[str, Any]:
    """Return the definition's tags as a field of CreateChangeSet; empty when the live tags must stay."""
    if paths := lost_text_paths({"Tag": definition.tags}):
        # Without the field, the tags stay as they are (UpdateStack, API reference).
        if live is None or live.tags != definition.tags:
            raise _cannot_write(definition.name, paths)
        return {}
    return {"Tags": [{"Key": key, "Value": value} for key, value in sorted(definition.tags.items())]}


def _cannot_write(stack: str, paths: tuple[str, ...]) -> VectoraError:
    return VectoraError(
        f"{describe_lost_text(stack, paths)}, and writing a question mark there would change what the stack has. "
        "Deploy the stack from its own source, or roll back other components only (--components)."
    )
