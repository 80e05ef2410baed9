"""Schemas that the review reads from cfn-lint's files are those that cfn-lint itself uses."""

from __future__ import annotations

import pytest
import yaml
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from change_review.schemas import MAY_REPLACE, REGION, REPLACES, Schemas
from change_review.stateful import DATA
from tests.repository import ROOT

GOLDEN = ROOT / "tests" / "stacks" / "templates"


def _types() -> list[str]:
    templates = [yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader) for path in GOLDEN.rglob("*.yaml")]
    of_project = {each["Type"] for template in templates for each in template["Resources"].values()}
    known = set(PROVIDER_SCHEMA_MANAGER.get_resource_types(REGION))
    return sorted(of_project & known | {*DATA, *MAY_REPLACE, *REPLACES} & known)


@pytest.mark.parametrize("resource_type", _types())
def test_the_properties_that_replace_a_resource_are_those_of_cfn_lint(resource_type: str) -> None:
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, resource_type).schema
    found = Schemas().of(resource_type)

    expected = {path.removeprefix("/properties/") for path in schema.get("createOnlyProperties", ())}
    ours = {"/".join(path) for path in found.replaces}
    assert ours == expected | set(REPLACES.get(resource_type, {}))


def test_every_type_that_holds_data_is_a_type_of_cloudformation() -> None:
    # Types that the region of the schemas no longer offers, and that older stacks still have.
    retired = {"AWS::SDB::Domain"}

    assert set(DATA) - retired <= set(PROVIDER_SCHEMA_MANAGER.get_resource_types(REGION))


def test_a_custom_resource_has_no_rules() -> None:
    schema = Schemas().of("Custom::PublishedConfiguration")

    assert (dict(schema.replaces), dict(schema.may_replace)) == ({}, {})
