"""Definition of a stack, and the change of a resource, as CloudFormation describes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from vectora_ops.cloudformation.lost_text import lost_text_paths
from vectora_ops.cloudformation.templates import parse_template

FUNCTION, LAYER_VERSION, PARAMETER = "AWS::Lambda::Function", "AWS::Lambda::LayerVersion", "AWS::SSM::Parameter"


@dataclass(frozen=True, kw_only=True)
class StackDefinition:
    """All that CloudFormation needs to restore a stack. A parameter of an SSM type holds the SSM parameter's name."""

    name: str
    template: str
    parameters: Mapping[str, str]
    tags: Mapping[str, str]
    capabilities: tuple[str, ...]
    role_arn: str | None

    @property
    def depends_on_more(self) -> bool:
        """Result of a look at the template: true when an update with this same definition may change resources.

        Such are values that CloudFormation reads at each update (CloudFormation guide: SSM parameter types, dynamic
        references) and templates that it expands (guide: macros).
        """
        document = parse_template(self.template)
        types = [str(each.get("Type", "")) for each in document.get("Parameters", {}).values()]
        return (
            any(each.startswith("AWS::SSM::Parameter") for each in types)
            or "{{resolve:" in self.template
            or "Fn::Transform" in self.template
            or "Transform" in document
        )

    @property
    def lost_text_paths(self) -> tuple[str, ...]:
        """Paths at which CloudFormation may have replaced a character by a question mark."""
        document = {**parse_template(self.template), "Parameter": self.parameters, "Tag": self.tags}
        return lost_text_paths(document)


@dataclass(frozen=True, kw_only=True)
class ResourceChange:
    """A change of a resource. `replacement` is CloudFormation's word: True, False or Conditional."""

    logical_id: str
    resource_type: str
    action: str
    replacement: str | None
