"""Key of withheld values: function promotion creates it by itself, everything else lets it create the key."""

from __future__ import annotations

import io
import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from vectora_ops.account import Account
from vectora_ops.names import Names
from vectora_ops.withholding_key import create_key, withholding_key

NAMES = Names(project="vectora-inbox", env="dev")
ABSENT = {"ResponseMetadata": {"HTTPStatusCode": 400}}


class Parameters:
    """Systems Manager, in which nobody but function promotion has created a parameter."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    def get_parameter(self, **request: Any) -> dict[str, Any]:
        if request["Name"] not in self.values:
            raise ClientError({"Error": {"Code": "ParameterNotFound"}, **ABSENT}, "GetParameter")
        return {"Parameter": {"Value": self.values[request["Name"]]}}

    def put_parameter(self, **request: Any) -> None:
        self.values[request["Name"]] = request["Value"]


class Functions:
    """Lambda with function promotion, which counts its invocations."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self.invoked: list[str] = []

    def invoke(self, **request: Any) -> dict[str, Any]:
        self.invoked.append(request["FunctionName"])
        create_key(self._account, NAMES)
        return {"Payload": io.BytesIO(json.dumps({"state": "done"}).encode())}


@pytest.fixture
def account() -> Account:
    account = Account("222222222222", "eu-west-3", boto3.Session(region_name="eu-west-3"))
    account._clients["ssm"] = Parameters()
    account._clients["invoker"] = Functions(account)
    return account


def test_function_promotion_creates_its_key_without_invoking_itself(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", NAMES.function("promotion"))
    assert len(bytes.fromhex(withholding_key(account, NAMES).decode("ascii"))) == 32
    assert account._clients["invoker"].invoked == []


@pytest.mark.parametrize("function", ["snapshot", "rollback", None])
def test_another_function_and_an_operator_let_function_promotion_create_the_key(
    account: Account, monkeypatch: pytest.MonkeyPatch, function: Any
) -> None:
    if function:
        monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", NAMES.function(function))
    else:
        monkeypatch.delenv("AWS_LAMBDA_FUNCTION_NAME", raising=False)
    key = withholding_key(account, NAMES)
    assert withholding_key(account, NAMES) == key != b""
    assert account._clients["invoker"].invoked == [NAMES.function("promotion")]
