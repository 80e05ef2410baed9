"""In-memory Systems Manager, Lambda, Step Functions, CodePipeline and SNS, as far as the operations use them."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO
from typing import Any

from tests.model.memory_answers import refused
from tests.model.store_time import StoreTime

# GetParameterHistory returns no more (Systems Manager quotas, parameter version history).
MOST_VERSIONS = 100
# GetParameters takes no more (API reference).
MOST_NAMES = 10
ACCOUNT_ID, REGION = "0" * 12, "eu-west-3"


class MemorySsm:
    """Parameters with their history."""

    def __init__(self, time: StoreTime) -> None:
        self._time = time
        self.parameters: dict[str, list[dict[str, Any]]] = {}

    def get_parameter(self, **request: Any) -> dict[str, Any]:
        return {"Parameter": dict(self._history(request)[-1])}

    def get_parameters(self, **request: Any) -> dict[str, Any]:
        assert len(request["Names"]) <= MOST_NAMES, "Systems Manager takes no more names"
        found = [self.parameters[name][-1] for name in request["Names"] if self.parameters.get(name)]
        return {"Parameters": [dict(each) for each in found]}

    def get_parameters_by_path(self, **request: Any) -> dict[str, Any]:
        below = [name for name in self.parameters if name.rpartition("/")[0] == request["Path"]]
        return {"Parameters": [dict(self.parameters[name][-1]) for name in below if self.parameters[name]]}

    def delete_parameter(self, **request: Any) -> dict[str, Any]:
        self._history(request)
        del self.parameters[request["Name"]]
        return {}

    def get_parameter_history(self, **request: Any) -> dict[str, Any]:
        return {"Parameters": [dict(each) for each in self._history(request)]}

    def put_parameter(self, **request: Any) -> dict[str, Any]:
        versions = self.parameters.setdefault(request["Name"], [])
        if versions and not request.get("Overwrite"):
            raise refused(self._time.now, "ParameterAlreadyExists")
        number = versions[-1]["Version"] + 1 if versions else 1
        kept = {"Name": request["Name"], "Value": request["Value"], "Version": number}
        versions.append({**kept, "LastModifiedDate": self._time.now, "Type": "String"})
        del versions[:-MOST_VERSIONS]
        return {"Version": number}

    def value(self, name: str) -> str | None:
        return self.parameters[name][-1]["Value"] if self.parameters.get(name) else None

    def _history(self, request: dict[str, Any]) -> list[dict[str, Any]]:
        if not self.parameters.get(request["Name"]):
            raise refused(self._time.now, "ParameterNotFound")
        return self.parameters[request["Name"]]


@dataclass
class MemoryLambda:
    """Functions and layer versions; `run` is called for invocations with function name, event and invocation type."""

    time: StoreTime
    run: Callable[[str, dict[str, Any], str], Any]
    functions: dict[str, dict[str, Any]] = field(default_factory=dict)
    code: dict[str, bytes] = field(default_factory=dict)
    layers: dict[str, dict[str, Any]] = field(default_factory=dict)

    def put_function(self, name: str, code: bytes, **configuration: Any) -> str:
        """Create or replace a function, as CloudFormation or a person does."""
        arn = f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{name}"
        layers = [{"Arn": each} for each in configuration.pop("Layers", [])]
        found = {
            "FunctionName": name,
            "FunctionArn": arn,
            "Runtime": "python3.11",
            "Handler": "handler.main",
            "Role": "arn:aws:iam::000000000000:role/any",
            "MemorySize": 128,
            "Timeout": 60,
            **configuration,
            "CodeSize": len(code),
            "CodeSha256": _sha256(code),
            "Layers": layers,
            "LastModified": self.time.now.isoformat(),
        }
        self.functions[name], self.code[arn] = found, code
        return name

    def put_layer(self, name: str, code: bytes) -> str:
        """Publish a layer version and return its ARN."""
        base = f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:layer:{name}"
        arn = f"{base}:{sum(each.rpartition(':')[0] == base for each in self.layers) + 1}"
        self.layers[arn] = {"CodeSize": len(code), "CodeSha256": _sha256(code)}
        self.code[arn] = code
        return arn

    def get_function(self, **request: Any) -> dict[str, Any]:
        if request["FunctionName"] not in self.functions:
            raise refused(self.time.now, "ResourceNotFoundException", status=404)
        found = json.loads(json.dumps(self.functions[request["FunctionName"]]))
        return {"Configuration": found, "Code": {"Location": f"memory://{found['FunctionArn']}"}, "Tags": {}}

    def get_layer_version(self, **request: Any) -> dict[str, Any]:
        arn = f"{request['LayerName']}:{request['VersionNumber']}"
        if arn not in self.layers:
            raise refused(self.time.now, "ResourceNotFoundException", status=404)
        return {"Content": {**self.layers[arn], "Location": f"memory://{arn}"}, "LayerVersionArn": arn}

    def invoke(self, **request: Any) -> dict[str, Any]:
        kind = request.get("InvocationType", "RequestResponse")
        answer = self.run(request["FunctionName"], json.loads(request["Payload"]), kind)
        return {"StatusCode": 200, "Payload": BytesIO(json.dumps(answer).encode())}


def _sha256(body: bytes) -> str:
    return base64.b64encode(hashlib.sha256(body).digest()).decode()


@dataclass
class MemoryStates:
    """Step Functions: each run ends at once, with what `run` returns for its machine, its name and its input."""

    time: StoreTime
    run: Callable[[str, dict[str, Any]], dict[str, Any]]
    executions: dict[str, dict[str, Any]] = field(default_factory=dict)

    def start_execution(self, **request: Any) -> dict[str, Any]:
        arn = f"{request['stateMachineArn'].replace(':stateMachine:', ':execution:')}:{request['name']}"
        self.executions[arn] = made = {
            "executionArn": arn,
            "stateMachineArn": request["stateMachineArn"],
            "input": request["input"],
            "startDate": self.time.now,
        }
        machine = request["stateMachineArn"].rpartition(":")[2]
        made.update(self.run(machine, json.loads(request["input"])))
        self.time.tick()
        made["stopDate"] = self.time.now
        return {"executionArn": arn}

    def describe_execution(self, **request: Any) -> dict[str, Any]:
        if request["executionArn"] not in self.executions:
            raise refused(self.time.now, "ExecutionDoesNotExist")
        return dict(self.executions[request["executionArn"]])

    def describe_state_machine(self, **request: Any) -> dict[str, Any]:
        return {"stateMachineArn": request["stateMachineArn"], "definition": "{}", "roleArn": "any"}

    def get_execution_history(self, **request: Any) -> dict[str, Any]:
        return {"events": []}

    def list_executions(self, **request: Any) -> dict[str, Any]:
        found = [
            {key: value for key, value in each.items() if key not in ("input", "output", "error", "cause")}
            for each in self.executions.values()
            if each["stateMachineArn"] == request["stateMachineArn"]
            and each["status"] == request.get("statusFilter", each["status"])
        ]
        return {"executions": sorted(found, key=lambda each: each["stopDate"], reverse=True)}


@dataclass
class MemoryPipeline:
    """CodePipeline: transitions, actions of executions, and answers of jobs. The pipeline itself is in `Delivery`."""

    time: StoreTime
    disabled: dict[str, str] = field(default_factory=dict)
    actions: list[dict[str, Any]] = field(default_factory=list)
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    over: set[str] = field(default_factory=set)
    retries: list[tuple[str, str]] = field(default_factory=list)
    stages: Callable[[], list[dict[str, Any]]] = list
    status: Callable[[str], str] = str

    def disable_stage_transition(self, **request: Any) -> dict[str, Any]:
        self.disabled[request["stageName"]] = request["reason"]
        return {}

    def enable_stage_transition(self, **request: Any) -> dict[str, Any]:
        self.disabled.pop(request["stageName"], None)
        return {}

    def get_pipeline_state(self, **request: Any) -> dict[str, Any]:
        found = self.stages()
        for stage in found:
            reason = self.disabled.get(stage["stageName"])
            stage["inboundTransitionState"] = {"enabled": reason is None, "disabledReason": reason or ""}
        return {"stageStates": found}

    def get_pipeline_execution(self, **request: Any) -> dict[str, Any]:
        return {"pipelineExecution": {"status": self.status(request["pipelineExecutionId"])}}

    def list_action_executions(self, **request: Any) -> dict[str, Any]:
        wanted = request["filter"]["pipelineExecutionId"]
        found = [each for each in self.actions if each["pipelineExecutionId"] == wanted]
        return {"actionExecutionDetails": list(reversed(found))}

    def put_job_success_result(self, **request: Any) -> dict[str, Any]:
        return self._answer(request)

    def put_job_failure_result(self, **request: Any) -> dict[str, Any]:
        return self._answer(request)

    def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        job = request["jobId"]
        if job in self.over or job in self.answers:
            raise refused(self.time.now, "InvalidJobStateException")
        self.answers[job] = request
        return {}

    def retry_stage_execution(self, **request: Any) -> dict[str, Any]:
        self.retries.append((request["stageName"], request["pipelineExecutionId"]))
        return {"pipelineExecutionId": request["pipelineExecutionId"]}


@dataclass
class MemorySns:
    """Messages to the operators, with their moments."""

    time: StoreTime
    messages: list[tuple[datetime, str, str]] = field(default_factory=list)

    def publish(self, **request: Any) -> dict[str, Any]:
        self.messages.append((self.time.now, request["Subject"], request["Message"]))
        return {"MessageId": str(len(self.messages))}
