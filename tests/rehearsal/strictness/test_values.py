"""Parameter Store refuses the same values as AWS, by API and by CloudFormation."""

from __future__ import annotations

from typing import Any

import pytest

NESTED = 'Parameter value can\'t nest another parameter. Do not use "{{}}" in the value.'
REFUSED = {
    "a reference": ("{{ssm:/other}}", NESTED),
    "anything in double brackets": ("failed: {{\n}}", NESTED),
    "opening double brackets": ("failed: {{", NESTED),
    "4097 characters": ("x" * 4097, "Standard tier parameters support a maximum parameter value of 4096 characters"),
    "4097 bytes": ("x" * 4094 + "€", "Standard tier parameters support a maximum parameter value of 4096 characters"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_value_is_refused_by_api_and_in_a_stack(account: Any, kit: Any, kind: str) -> None:
    value, expected = REFUSED[kind]
    put = account("ssm").put_parameter
    code, message = kit.error_of(put, Name="/value", Value=value, Type="String", Overwrite=True)
    assert code == "ValidationException"
    assert message.startswith(expected)
    properties = {"Name": f"/{kind.replace(' ', '-')}", "Type": "String", "Value": value}
    stack = f"value-{kind.replace(' ', '-')}"
    assert (
        account.deploy(stack, {"Value": {"Type": "AWS::SSM::Parameter", "Properties": properties}})
        == "ROLLBACK_COMPLETE"
    )
    assert "ValidationException" in account.reasons(stack)


def test_values_up_to_the_limit_of_their_tier_are_stored(account: Any, kit: Any) -> None:
    put = account("ssm").put_parameter
    put(Name="/fits", Value="x" * 4093 + "€", Type="String")
    put(Name="/advanced", Value="x" * 8192, Type="String", Tier="Advanced")
    assert kit.error_of(put, Name="/more", Value="x" * 8193, Type="String", Tier="Advanced")[0] == "ValidationException"
    put(Name="/braces", Value="{ {} } }}", Type="String")
    assert account("ssm").get_parameter(Name="/braces")["Parameter"]["Value"] == "{ {} } }}"
