"""The executor of CloudFormation actions, which changes stacks by change sets or directly, with the action's role."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from rehearsal.codepipeline.actions.context import Context, Outcome
from rehearsal.codepipeline.actions.template import TemplateInput, read_input, write_outputs
from rehearsal.codepipeline.aws import error_text
from rehearsal.codepipeline.errors import ActionFailedError

SUCCEEDED = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE")
# Statuses in which a stack cannot be updated; from ROLLBACK_COMPLETE, CloudFormation allows only deletion.
STUCK = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED", "UPDATE_ROLLBACK_FAILED")
NO_CHANGES = ("didn't contain changes", "No updates are to be performed")
POLL_GROWTH = 1.5


def run(context: Context) -> Outcome:
    """Run the action; raise ActionFailedError with CloudFormation's error or the first failed resource's reason."""
    mode = context.configuration["ActionMode"]
    try:
        return _MODES[mode](context, context.client("cloudformation"))
    except (ClientError, BotoCoreError) as error:
        raise ActionFailedError(error_text(error), "ActionFailed") from error


def _replace_change_set(context: Context, client: Any) -> Outcome:
    name, change_set = context.configuration["StackName"], context.configuration["ChangeSetName"]
    found = _stack(client, name)
    _refuse_stuck(name, found)
    _require_pass_role(context)
    source = read_input(context)
    if found is not None:
        client.delete_change_set(StackName=name, ChangeSetName=change_set)
    new = found is None or found["StackStatus"] == "REVIEW_IN_PROGRESS"
    client.create_change_set(
        StackName=name,
        ChangeSetName=change_set,
        ChangeSetType="CREATE" if new else "UPDATE",
        **_request(context, source),
    )
    description = _poll(context, lambda: _described_change_set(client, name, change_set))
    context.run.external_id = description["ChangeSetId"]
    if description["Status"] == "FAILED" and not _is_empty(description):
        raise ActionFailedError(f"Change set {change_set} failed: {description.get('StatusReason')}", "ActionFailed")
    changes = "no changes" if description["Status"] == "FAILED" else f"{len(description['Changes'])} changes"
    return Outcome({}, (), f"Change set {change_set} was created with {changes}.")


def _execute_change_set(context: Context, client: Any) -> Outcome:
    name, change_set = context.configuration["StackName"], context.configuration["ChangeSetName"]
    description = client.describe_change_set(StackName=name, ChangeSetName=change_set)
    if _is_empty(description):
        found = _stack(client, name)
        return _finished(context, found or {}, f"Change set {change_set} contains no changes; nothing was executed.")
    before = _last_event(client, name)
    client.execute_change_set(StackName=name, ChangeSetName=change_set)
    return _followed(context, client, name, before)


def _create_or_update(context: Context, client: Any) -> Outcome:
    name = context.configuration["StackName"]
    found = _stack(client, name)
    _refuse_stuck(name, found)
    _require_pass_role(context)
    request = _request(context, read_input(context))
    if found is None:
        client.create_stack(StackName=name, **request)
        return _followed(context, client, name, None)
    before = _last_event(client, name)
    try:
        client.update_stack(StackName=name, **request)
    except ClientError as error:
        if not any(words in error_text(error) for words in NO_CHANGES):
            raise
        return _finished(context, found, error_text(error))
    return _followed(context, client, name, before)


def _delete(context: Context, client: Any) -> Outcome:
    name = context.configuration["StackName"]
    found = _stack(client, name)
    if found is None:
        return Outcome({}, (), f"Stack {name} does not exist.")
    _require_pass_role(context)
    before = _last_event(client, name)
    client.delete_stack(StackName=name, RoleARN=context.configuration["RoleArn"])
    final = _poll(context, lambda: _settled(client, found["StackId"]))
    if final["StackStatus"] != "DELETE_COMPLETE":
        raise _failed(client, final, before)
    return Outcome({}, (), f"Stack {name} was deleted.")


_MODES: Mapping[str, Callable[[Context, Any], Outcome]] = {
    "CHANGE_SET_REPLACE": _replace_change_set,
    "CHANGE_SET_EXECUTE": _execute_change_set,
    "CREATE_UPDATE": _create_or_update,
    "DELETE_ONLY": _delete,
}


def _request(context: Context, source: TemplateInput) -> dict[str, Any]:
    capabilities = [each.strip() for each in context.configuration.get("Capabilities", "").split(",")]
    request: dict[str, Any] = {
        "TemplateURL": source.url,
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in source.parameters.items()],
        "Tags": [{"Key": key, "Value": value} for key, value in source.tags.items()],
        "Capabilities": [each for each in capabilities if each],
        "RoleARN": context.configuration["RoleArn"],
    }
    return request


def _require_pass_role(context: Context) -> None:
    # The emulator's CloudFormation does not check iam:PassRole for this caller.
    context.aws.require(context.role.role_arn, "iam:PassRole", context.configuration["RoleArn"])


def _refuse_stuck(name: str, found: Mapping[str, Any] | None) -> None:
    if found is not None and found["StackStatus"] in STUCK:
        raise ActionFailedError(
            f"Stack [{name}] is in {found['StackStatus']} state and can not be updated. Delete it, then retry.",
            "ActionFailed",
        )


def _stack(client: Any, name: str) -> Mapping[str, Any] | None:
    try:
        found: Mapping[str, Any] = client.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in error_text(error):
            return None
        raise
    return found


def _described_change_set(client: Any, name: str, change_set: str) -> Mapping[str, Any] | None:
    description: Mapping[str, Any] = client.describe_change_set(StackName=name, ChangeSetName=change_set)
    return description if description["Status"] in ("CREATE_COMPLETE", "FAILED") else None


def _is_empty(description: Mapping[str, Any]) -> bool:
    reason = str(description.get("StatusReason"))
    return description["Status"] == "FAILED" and any(words in reason for words in NO_CHANGES)


def _settled(client: Any, name: str) -> Mapping[str, Any] | None:
    found = _stack(client, name)
    if found is None:
        return {"StackStatus": "DELETE_COMPLETE", "StackName": name}
    return None if found["StackStatus"].endswith("_IN_PROGRESS") else found


def _poll(context: Context, read: Callable[[], Mapping[str, Any] | None]) -> Mapping[str, Any]:
    pause = context.hooks.timing.poll_first
    while (answer := read()) is None:
        context.pause(pause)
        pause = min(pause * POLL_GROWTH, context.hooks.timing.poll_longest)
    return answer


def _followed(context: Context, client: Any, name: str, before: datetime | None) -> Outcome:
    final = _poll(context, lambda: _settled(client, name))
    context.run.external_id = final.get("StackId")
    if final["StackStatus"] not in SUCCEEDED:
        raise _failed(client, final, before)
    return _finished(context, final, f"Stack {name} is in {final['StackStatus']}.")


def _finished(context: Context, stack: Mapping[str, Any], summary: str) -> Outcome:
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}
    return Outcome(outputs, write_outputs(context, json.dumps(outputs)), summary)


def _failed(client: Any, stack: Mapping[str, Any], before: datetime | None) -> ActionFailedError:
    first = next(_failures(client, stack["StackId"], before), "No event of the stack names a failed resource")
    return ActionFailedError(f"{first} (stack {stack['StackName']} is in {stack['StackStatus']})", "ActionFailed")


def _failures(client: Any, stack_id: str, before: datetime | None) -> Iterator[str]:
    pages = client.get_paginator("describe_stack_events").paginate(StackName=stack_id)
    events = [event for page in pages for event in page["StackEvents"]]
    for event in sorted(events, key=_moment):
        if event["ResourceStatus"].endswith("_FAILED") and (before is None or _moment(event) >= before):
            yield f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', event['ResourceStatus'])}"


def _last_event(client: Any, name: str) -> datetime | None:
    events = client.describe_stack_events(StackName=name)["StackEvents"]
    return max(map(_moment, events), default=None)


def _moment(event: Mapping[str, Any]) -> datetime:
    moment: datetime = event["Timestamp"]
    return moment
