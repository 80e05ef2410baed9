"""Lambda checks the permissions of a function's role, and shows tags only to callers who may list them."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest

TOPIC = "arn:aws:sns:eu-west-3:000000000000:"


def _destination(arn: str) -> dict[str, Any]:
    return {"DestinationConfig": {"OnFailure": {"Destination": arn}}}


def test_a_destination_that_the_role_may_not_use_is_refused(account: Any, kit: Any) -> None:
    topic, _ = account.topic("failures")
    role = account.role("silent")
    account.function("silent", role)
    put = account("lambda").put_function_event_invoke_config
    code, message = kit.error_of(put, FunctionName="silent", **_destination(topic))
    assert (code, message) == ("InvalidParameterValueException", f"The destination ARN {topic} is invalid.")
    account.grant(role, kit.allow("sns:Publish", on=topic))
    assert put(FunctionName="silent", **_destination(topic))["DestinationConfig"]["OnFailure"]["Destination"] == topic


@pytest.mark.parametrize("granted", [False, True])
def test_a_stack_with_a_destination_that_the_role_may_not_use_is_rolled_back(
    account: Any, kit: Any, granted: bool
) -> None:
    name = f"in-a-stack-{granted}".lower()
    topic, _ = account.topic(name)
    account.function(name, account.role(name, *([kit.allow("sns:Publish", on=topic)] if granted else [])))
    properties = {"FunctionName": name, "Qualifier": "$LATEST", **_destination(topic)}
    status = account.deploy(name, {"Config": {"Type": "AWS::Lambda::EventInvokeConfig", "Properties": properties}})
    assert status == ("CREATE_COMPLETE" if granted else "ROLLBACK_COMPLETE")
    assert (f"The destination ARN {topic} is invalid." in account.reasons(name)) is not granted


def test_a_failure_reaches_its_destination_only_while_the_role_has_permission(account: Any, kit: Any) -> None:
    topic, arrived = account.topic("records")
    role = account.role("fails", kit.allow("sns:Publish", on=topic))
    account.function("fails", role, "def lambda_handler(event, context):\n    raise ValueError(event['n'])\n")
    functions = account("lambda")
    functions.put_function_event_invoke_config(FunctionName="fails", MaximumRetryAttempts=0, **_destination(topic))

    def fail(number: int) -> None:
        functions.invoke(FunctionName="fails", InvocationType="Event", Payload=json.dumps({"n": number}))

    def log() -> str:
        return str(account.emulator.log_file.read_text(encoding="utf-8", errors="replace"))

    fail(1)
    [record] = kit.wait_until(arrived)
    assert json.loads(record)["requestPayload"] == {"n": 1}
    account.grant(role, kit.allow("logs:PutLogEvents"))
    fail(2)
    kit.wait_until(lambda: "fails may not send to its destination" in log())
    assert arrived() == []


def test_tags_are_shown_only_to_callers_who_may_list_them(account: Any, kit: Any) -> None:
    account.function("tagged", account.role("tagged"), Tags={"Env": "test"})
    reader = account.role("reads-functions", kit.allow("lambda:GetFunction"))
    shown = account.acting_as(reader)("lambda").get_function(FunctionName="tagged")
    assert "Tags" not in shown
    assert shown["TagsError"]["ErrorCode"] == "AccessDeniedException"
    assert "not authorized to perform: lambda:ListTags on resource" in shown["TagsError"]["Message"]
    account.grant(reader, kit.allow("lambda:GetFunction", "lambda:ListTags"))
    shown = account.acting_as(reader)("lambda").get_function(FunctionName="tagged")
    assert shown["Tags"] == {"Env": "test"}
    assert "TagsError" not in shown


def test_a_role_that_lambda_cannot_assume_is_refused(account: Any, kit: Any) -> None:
    role = account.role("for-another-service", service="states.amazonaws.com")
    arguments = {"FunctionName": "x", "Runtime": "python3.13", "Handler": "handler.lambda_handler", "Role": role}
    code, message = kit.error_of(account("lambda").create_function, Code={"ZipFile": kit.zipped()}, **arguments)
    expected = "The role defined for the function cannot be assumed by Lambda."
    assert (code, message) == ("InvalidParameterValueException", expected)
    account.function("assumed", account.role("assumed"))
    change = account("lambda").update_function_configuration
    assert kit.error_of(change, FunctionName="assumed", Role=role)[1] == expected


@pytest.mark.parametrize(
    ("settings", "action", "missing"),
    [
        ({"TracingConfig": {"Mode": "Active"}}, "xray:PutTraceSegments", "PutTraceSegments on XRAY"),
        ({"DeadLetterConfig": {"TargetArn": f"{TOPIC}dead"}}, "sns:Publish", "Publish on SNS"),
    ],
)
def test_permissions_that_lambda_needs_are_checked_when_a_function_is_configured(
    account: Any, kit: Any, settings: dict[str, Any], action: str, missing: str
) -> None:
    name = action.replace(":", "-")
    account("sns").create_topic(Name="dead")
    role = account.role(name)
    account.function(name, role)
    change = account("lambda").update_function_configuration
    code, message = kit.error_of(change, FunctionName=name, **settings)
    expected = f"The provided execution role does not have permissions to call {missing}"
    assert (code, message) == ("InvalidParameterValueException", expected)
    account.grant(role, kit.allow(action))
    assert change(FunctionName=name, **settings)["FunctionName"] == name


def test_a_stack_whose_functions_code_is_missing_is_rolled_back(account: Any) -> None:
    account("s3").create_bucket(Bucket="without-code", CreateBucketConfiguration={"LocationConstraint": "eu-west-3"})
    code = {"S3Bucket": "without-code", "S3Key": "missing.zip"}
    role = account.role("no-code")
    properties = {"Code": code, "Role": role, "Handler": "a.b", "Runtime": "python3.13"}
    status = account.deploy("no-code", {"Function": {"Type": "AWS::Lambda::Function", "Properties": properties}})
    assert status == "ROLLBACK_COMPLETE"
    assert "S3 Error Code: NoSuchKey" in account.reasons("no-code")


def _layer(account: Any, name: str, module: str) -> str:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as writing:
        writing.writestr("python/shared_module.py", module)
    published = account("lambda").publish_layer_version(LayerName=name, Content={"ZipFile": archive.getvalue()})
    return str(published["LayerVersionArn"])


USES_ITS_LAYER = """
import pathlib
import shared_module

def lambda_handler(event, context):
    return [WORD, shared_module.WORD, str(pathlib.Path(shared_module.__file__).resolve())]
"""


def test_functions_share_the_extracted_files_of_a_layer_but_no_other_code(account: Any) -> None:
    one, other = _layer(account, "one", "WORD = 1\n"), _layer(account, "other", "WORD = 2\n")
    answers = []
    for name, layer in (("a", one), ("b", one), ("c", other)):
        account.function(name, account.role(f"runs-{name}"), f"WORD = {name!r}\n{USES_ITS_LAYER}", Layers=[layer])
        answers.append(json.loads(account("lambda").invoke(FunctionName=name)["Payload"].read()))
    assert [(own, shared) for own, shared, _ in answers] == [("a", 1), ("b", 1), ("c", 2)]
    files = [file for *_, file in answers]
    assert files[0] == files[1] != files[2]
