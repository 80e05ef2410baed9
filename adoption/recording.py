"""Recording of what runs in the templates of stacks that were changed by hand.

A deployment replaces what was changed by hand, and a rollback restores what the template says. So before the first
deployment each template is brought to what runs, as CloudFormation's user guide advises ("Resolve drift with an import
operation": update the definition in the template, then update the stack). The update changes nothing that runs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

from vectora_ops.cloudformation.definition import FUNCTION, StackDefinition
from vectora_ops.cloudformation.live_definitions import CodeObject, code_of, function_properties
from vectora_ops.cloudformation.lost_text import describe_lost_text, lost_text_paths, may_have_lost_text
from vectora_ops.cloudformation.templates import parse_template
from vectora_ops.live_environment import Environment
from vectora_shared.errors import VectoraError

# CloudFormation makes no update of descriptions alone; metadata of a resource is a change that touches nothing
# (user guide, Metadata attribute; a change set reports it with the scope Metadata).
MARK = {"VectoraInbox": "Descriptions with characters that CloudFormation does not return were removed"}
ROLE = "AWS::IAM::Role"
DESCRIBED_SECTIONS = ("Parameters", "Outputs")


@dataclass(frozen=True)
class StackRecord:
    """New definition of a stack.

    `functions` differ from the old definition. `descriptions` are the paths of texts that the new one omits. `roles`
    get the environment's permissions boundary, without which CloudFormation may not change them.
    """

    definition: StackDefinition
    functions: tuple[str, ...]
    codes: Mapping[str, CodeObject]
    descriptions: tuple[str, ...]
    roles: tuple[str, ...] = ()


def find_unrecorded(environment: Environment, code_bucket: str) -> tuple[StackRecord, ...]:
    """Return a record for each stack whose template does not say what runs, or has text that would be lost.

    Raises VectoraError for text that is lost and not only a description.
    """
    found = (_record(environment, name, code_bucket) for name in environment.stack_names)
    return tuple(record for record in found if record is not None)


def _record(environment: Environment, name: str, code_bucket: str) -> StackRecord | None:
    definition = environment.stack(name)
    if definition is None:
        return None
    before = parse_template(definition.template)
    template = deepcopy(before)
    codes = {}
    for logical_id, (kind, physical_id) in environment.resources(name).items():
        answer = environment.function(physical_id) if kind == FUNCTION else None
        if answer is None:
            continue
        code = code_of(answer, code_bucket)
        resource = template["Resources"][logical_id]
        properties = function_properties(answer, code.properties)
        if "FunctionName" not in resource["Properties"]:
            # A name that CloudFormation generated: stating it would replace the function.
            del properties["FunctionName"]
        if properties != resource["Properties"]:
            resource["Properties"] = properties
            codes[physical_id] = code
    roles = tuple(_add_boundary(template, environment))
    descriptions = tuple(_remove_lost_descriptions(template))
    if paths := lost_text_paths(template):
        raise VectoraError(
            f"{describe_lost_text(name, paths)}, so the stack could not be restored later. Update it from its own "
            "source with such texts in plain ASCII, then try again."
        )
    if template == before:
        return None
    if descriptions and not codes and not roles:
        first = next(iter(template["Resources"].values()))
        first["Metadata"] = {**first.get("Metadata", {}), **MARK}
    new = replace(definition, template=json.dumps(template, indent=1))
    return StackRecord(new, tuple(sorted(codes)), codes, descriptions, roles)


def _add_boundary(template: dict[str, Any], environment: Environment) -> Iterator[str]:
    """Give each role without a permissions boundary that of the environment, and yield its logical id.

    A rollback restores the template with the boundary, because nothing may take one away. The boundary changes no role
    in place (resource type reference, AWS::IAM::Role: no interruption).
    """
    boundary = f"arn:aws:iam::{environment.account.account_id}:policy/{environment.names.boundary}"
    for logical_id, resource in template["Resources"].items():
        if resource["Type"] == ROLE and "PermissionsBoundary" not in resource.get("Properties", {}):
            resource["Properties"] = {**resource.get("Properties", {}), "PermissionsBoundary": boundary}
            yield logical_id


def _remove_lost_descriptions(template: dict[str, Any]) -> Iterator[str]:
    """Remove descriptions that have lost characters, which nothing depends on, and yield their paths."""
    if may_have_lost_text(str(template.get("Description", ""))):
        del template["Description"]
        yield "Description"
    for section in DESCRIBED_SECTIONS:
        for key, entry in template.get(section, {}).items():
            if may_have_lost_text(str(entry.get("Description", ""))):
                del entry["Description"]
                yield f"{section}.{key}.Description"
