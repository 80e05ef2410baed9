"""`./vectora logs` shows the lines of one run or of one function: all of them, in order, and as text."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError
from botocore.validate import validate_parameters
from typer.testing import CliRunner, Result

from cli.__main__ import app
from cli.exit_codes import ExitCode
from cli.logs import command, reading
from cli.logs.lines import LogLine, by_invocation
from tests.repository import ROOT
from tests.unit.cli.hostile import HOSTILE, is_harmless
from vectora_ops.settings import load_settings
from vectora_shared.metrics import Metric, metrics_line

NAMES = load_settings(ROOT).names("prod")
NOON = datetime(2026, 1, 30, 12, tzinfo=UTC)
MACHINE = f"arn:aws:states:eu-west-3:111111111111:stateMachine:{NAMES.state_machine}"
RUN = f"arn:aws:states:eu-west-3:111111111111:execution:{NAMES.state_machine}:one"
OURS, OTHERS, COLD = (f"{digit * 8}-0000-4000-8000-000000000000" for digit in "123")
EMF = metrics_line(
    {Metric.NOISE_PERCENT: 5.6, Metric.NEWSLETTER_ITEMS: 12.0},
    project="vectora-inbox",
    env="prod",
    at=NOON,
    properties={"client_id": "lai_weekly"},
)
Logs = Callable[..., Result]


def _event(seconds: float, stream: str, message: str) -> dict[str, Any]:
    at = int((NOON + timedelta(seconds=seconds)).timestamp() * 1000)
    return {"timestamp": at, "logStreamName": stream, "message": message}


def _invocation(request: str, stream: str, begin: float, *messages: str) -> list[dict[str, Any]]:
    """Return the lines of an invocation, one a second."""
    lines = (
        f"START RequestId: {request} Version: $LATEST\n",
        *messages,
        f"END RequestId: {request}\n",
        f"REPORT RequestId: {request}\tDuration: 1234.56 ms\tBilled Duration: 1235 ms\tMemory Size: 512 MB\t"
        "Max Memory Used: 120 MB\t\nXRAY TraceId: 1-2-3\tSegmentId: 4\tSampled: true\t\n",
    )
    return [_event(begin + position, stream, line) for position, line in enumerate(lines)]


def _logged(level: str, text: str, request: str = OURS) -> str:
    return f"[{level}]\t2026-01-30T12:00:01.000Z\t{request}\t{text}\n"


@dataclass
class MemoryAws:
    """Clients of CloudWatch Logs and Step Functions, whose requests are checked against botocore's models."""

    groups: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    executions: list[dict[str, Any]] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)

    def client(self, service: str) -> Any:
        if service == "logs":
            return SimpleNamespace(get_paginator=lambda name: SimpleNamespace(paginate=self._filter))
        return SimpleNamespace(
            list_executions=self._list,
            describe_execution=self._describe,
            get_paginator=lambda name: SimpleNamespace(paginate=lambda **_: [{"events": self.history}]),
        )

    def _filter(self, **given: Any) -> Iterator[dict[str, Any]]:
        _check("logs", "FilterLogEvents", given)
        if given["logGroupName"] not in self.groups:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "FilterLogEvents")
        yield {"events": []}
        for event in self.groups[given["logGroupName"]]:
            if given["startTime"] <= event["timestamp"] <= given["endTime"]:
                yield {"events": [event]}

    def _list(self, **given: Any) -> dict[str, Any]:
        _check("stepfunctions", "ListExecutions", given)
        assert given["stateMachineArn"] == MACHINE
        return {"executions": self.executions[: given["maxResults"]]}

    def _describe(self, **given: Any) -> dict[str, Any]:
        _check("stepfunctions", "DescribeExecution", given)
        for each in self.executions:
            if each["executionArn"] == given["executionArn"]:
                return each
        raise ClientError({"Error": {"Code": "ExecutionDoesNotExist"}}, "DescribeExecution")


def _check(service: str, operation: str, given: dict[str, Any]) -> None:
    shape = botocore.session.get_session().get_service_model(service).operation_model(operation).input_shape
    assert shape is not None
    validate_parameters(given, shape)


def _state(name: str, begin: float, end: float | None) -> Iterator[dict[str, Any]]:
    at = NOON + timedelta(seconds=begin)
    yield {"type": "TaskStateEntered", "timestamp": at, "stateEnteredEventDetails": {"name": name}}
    if end is not None:
        left = {"name": name}
        yield {
            "type": "TaskStateExited",
            "timestamp": NOON + timedelta(seconds=end),
            "stateExitedEventDetails": left,
        }


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> MemoryAws:
    """Return an environment in which one run ended, and let the command use it; now is an hour after noon."""
    memory = MemoryAws(
        groups={
            NAMES.log_group("ingest-v2"): [
                _event(-0.5, "a", "INIT_START Runtime Version: python:3.13\n"),
                *_invocation(OURS, "a", 0.5, _logged("WARNING", "paper: the site answered 404")),
                *_invocation(OTHERS, "a", 30, _logged("INFO", "of another run", OTHERS)),
            ],
            NAMES.log_group("newsletter-v2"): _invocation(COLD, "b", 11, f"{EMF}\n", "Traceback\n  a\n  b\n"),
            NAMES.log_group("promotion"): [_event(100, "c", "[ERROR]\tno time\n")],
        },
        executions=[
            {
                "executionArn": RUN,
                "status": "FAILED",
                "startDate": NOON,
                "stopDate": NOON + timedelta(seconds=20),
            }
        ],
        history=[*_state("Ingest", 0.1, 5), *_state("NormalizeScore", 5, 10), *_state("WriteNewsletter", 10, 20)],
    )
    account = SimpleNamespace(client=memory.client, state_machine_arn=lambda name: MACHINE)
    monkeypatch.setattr(command, "open_target", lambda env: SimpleNamespace(account=account, names=NAMES))
    monkeypatch.setattr(command, "utc_now", lambda: NOON + timedelta(hours=1))
    return memory


def logs(*arguments: str) -> Result:
    result = CliRunner().invoke(app, ["logs", "--env", "prod", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.mark.parametrize("run", ["latest", "one", RUN])
def test_a_run_shows_the_lines_of_all_its_functions_and_of_no_other_run(aws: MemoryAws, run: str) -> None:
    result = logs("--run", run)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [
        "2026-01-30 12:00:01.500 ingest-v2  WARNING paper: the site answered 404",
        "2026-01-30 12:00:03.500 ingest-v2  ended: duration 1234.56 ms, memory size 512 MB, max memory used 120 MB",
        "2026-01-30 12:00:12.000 newsletter-v2  metrics: NoisePercent 5.6, NewsletterItems 12.0",
        "2026-01-30 12:00:13.000 newsletter-v2  Traceback",
        "      a",
        "      b",
        "2026-01-30 12:00:15.000 newsletter-v2  ended: duration 1234.56 ms, memory size 512 MB, max memory used 120 MB",
    ]
    assert "Run one: FAILED, 2026-01-30 12:00 UTC to 2026-01-30 12:00 UTC." in result.stderr


def test_json_has_each_line_as_it_was_logged_with_its_invocation(aws: MemoryAws) -> None:
    document = json.loads(logs("--run", "latest", "--json").stdout)
    assert (document["run"], document["status"], document["is_cut"]) == (RUN, "FAILED", False)
    kinds = [(each["function"], each["kind"], each["request"]) for each in document["lines"]]
    assert kinds[0] == ("ingest-v2", "platform", OURS)
    assert ("newsletter-v2", "metrics", COLD) in kinds
    assert document["lines"][0]["message"].startswith("INIT_START")
    assert {each["request"] for each in document["lines"]} == {OURS, COLD}


def test_a_run_that_still_runs_shows_what_it_logged_until_now(aws: MemoryAws) -> None:
    aws.executions[0] |= {"status": "RUNNING"}
    del aws.executions[0]["stopDate"]
    aws.history = [*_state("Ingest", 0.1, None)]
    result = logs("--run", "latest")
    assert "still running" in result.stderr
    assert "of another run" in result.stdout


def test_a_function_shows_its_lines_of_the_time_by_its_short_or_full_name(aws: MemoryAws) -> None:
    for name in ("ingest-v2", NAMES.function("ingest-v2")):
        shown = logs("--function", name, "--since", "2h").stdout
        assert "the site answered 404" in shown
        assert "of another run" in shown
    aws.groups[NAMES.log_group("ingest-v2")].append(_event(3599, "a", "the last line\n"))
    assert [line[-13:] for line in logs("--function", "ingest-v2", "--since", "1m").stdout.splitlines()] == [
        "the last line"
    ]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--function", "promotion", "--since", "1m"), "No log line was found for vectora-inbox-promotion-prod since"),
        (("--function", "deliver-v2"), "No log line was found for vectora-inbox-deliver-v2-prod since"),
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_nothing_found_is_a_no_with_a_sentence(
    aws: MemoryAws, arguments: tuple[str, ...], sentence: str, as_json: bool
) -> None:
    result = logs(*arguments, *(["--json"] if as_json else []))
    assert (result.exit_code, sentence in result.stderr) == (ExitCode.NO, True)
    assert not as_json or json.loads(result.stdout)["lines"] == []


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--run", "latest", "--function", "ingest-v2"),
        ("--run", "latest", "--since", "2h"),
        *(("--function", "ingest-v2", "--since", each) for each in ("2", "h", "0h", "-1h", "2w", "99999d")),
    ],
)
def test_options_that_contradict_each_other_are_a_wrong_call(aws: MemoryAws, arguments: tuple[str, ...]) -> None:
    assert logs(*arguments).exit_code == ExitCode.USAGE


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--function", "ingest"), "There is no function 'ingest': did you mean 'ingest-v2'?"),
        (("--run", "two"), "prod has no run 'two', or it ended more than 90 days ago"),
        (("--run", RUN.replace("-prod", "-stage")), "is no run of prod: its workflow is vectora-inbox-newsletter-prod"),
    ],
)
def test_what_does_not_exist_is_one_sentence(aws: MemoryAws, arguments: tuple[str, ...], sentence: str) -> None:
    result = logs(*arguments)
    assert (result.exit_code, sentence in result.stderr) == (ExitCode.ERROR, True)


def test_an_environment_without_a_run_says_so(aws: MemoryAws) -> None:
    aws.executions.clear()
    assert "prod has no run yet" in logs("--run", "latest").stderr


def test_what_a_function_logs_does_not_control_the_terminal(aws: MemoryAws) -> None:
    aws.groups[NAMES.log_group("ingest-v2")] = [
        _event(1, "a", HOSTILE),
        _event(2, "a", _logged("INFO", HOSTILE)),
        _event(3, "a", json.dumps({"_aws": {"CloudWatchMetrics": [{"Metrics": [{"Name": HOSTILE}]}]}, HOSTILE: 1})),
    ]
    for options in ((), ("--json",)):
        shown = logs("--function", "ingest-v2", "--since", "2h", *options).output
        assert is_harmless(shown.replace("    FORGED", "    |")), ascii(shown)


def test_more_lines_than_a_person_reads_are_cut_and_counted(aws: MemoryAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_LINES", 3)
    result = logs("--function", "ingest-v2", "--since", "2h", "--json")
    document = json.loads(result.stdout)
    assert (len(document["lines"]), document["is_cut"]) == (3, True)
    assert "more than" in logs("--function", "ingest-v2", "--since", "2h").stderr


@pytest.mark.parametrize("message", ["{", '{"_aws": 1}', '{"_aws": {"CloudWatchMetrics": [{}]}}', "[" * 10])
def test_what_only_looks_like_metrics_is_a_message(message: str) -> None:
    line = LogLine(NOON, "ingest-v2", "a", message)
    assert (line.kind, line.text) == ("message", message)


def test_a_time_out_is_shown_without_what_the_line_repeats() -> None:
    line = LogLine(NOON, "f", "a", f"2026-01-30T12:00:00.000Z {OURS} Task timed out after 900.10 seconds")
    assert line.text == "Task timed out after 900.10 seconds"


def test_streams_have_invocations_of_their_own() -> None:
    first = [LogLine(NOON, "f", "a", f"START RequestId: {OURS} Version: 1"), LogLine(NOON, "f", "a", "one")]
    second = [LogLine(NOON, "f", "b", "before"), LogLine(NOON, "f", "b", f"START RequestId: {OTHERS} Version: 1")]
    mixed = [first[0], second[0], first[1], second[1]]
    assert {line.message: line.request for line in by_invocation(mixed) if not line.started} == {
        "one": OURS,
        "before": OTHERS,
    }
