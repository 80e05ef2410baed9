"""A Lambda action's job is always answered: done, continued, or failed with the function's own sentence."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from vectora_ops.account import Account
from vectora_ops.promotion.job import Done, NotYet, Step, answer_job, is_job
from vectora_shared.errors import VectoraError

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PARAMETERS = {"operation": "work", "execution": "e-1", "timeout_minutes": "30"}


class Pipeline:
    """CodePipeline, which records results or refuses them with a code."""

    def __init__(self) -> None:
        self.success: dict[str, Any] | None = None
        self.failure: dict[str, Any] | None = None
        self.refuses_success: str | None = None
        self.refuses_failure: str | None = None

    def put_job_success_result(self, **result: Any) -> None:
        self._refuse(self.refuses_success)
        self.success = result

    def put_job_failure_result(self, **result: Any) -> None:
        self._refuse(self.refuses_failure)
        self.failure = result

    def _refuse(self, code: str | None) -> None:
        if code:
            raise ClientError({"Error": {"Code": code, "Message": "no"}}, "PutJobResult")


@pytest.fixture
def pipeline() -> Pipeline:
    return Pipeline()


def a_job(parameters: object = PARAMETERS, token: str | None = None) -> dict[str, Any]:
    given = parameters if isinstance(parameters, str) else json.dumps(parameters)
    data: dict[str, Any] = {"actionConfiguration": {"configuration": {"FunctionName": "f", "UserParameters": given}}}
    if token:
        data["continuationToken"] = token
    return {"CodePipeline.job": {"id": "job-1", "accountId": "0" * 12, "data": data}}


def answer(pipeline: Pipeline, event: dict[str, Any], step: Step, now: datetime = NOON) -> dict[str, Any]:
    account = Account("0" * 12, "eu-west-3", session=None, _clients={"codepipeline": pipeline})  # type: ignore[arg-type]
    return answer_job(account, event, {"work": step}, clock=lambda: now)


def test_only_a_job_is_taken_for_one() -> None:
    assert is_job(a_job())
    assert not is_job({"operation": "create"})


def test_a_step_that_is_done_reports_its_summary_and_variables(pipeline: Pipeline) -> None:
    answer(pipeline, a_job(), lambda given, token: Done(summary="All well.", variables={"snapshot": "s-1"}))
    assert pipeline.success == {
        "jobId": "job-1",
        "executionDetails": {"summary": "All well.", "percentComplete": 100},
        "outputVariables": {"snapshot": "s-1"},
    }


def test_without_variables_none_are_sent_because_codepipeline_refuses_an_empty_map(pipeline: Pipeline) -> None:
    answer(pipeline, a_job(), lambda given, token: Done(summary="All well."))
    assert pipeline.success is not None
    assert "outputVariables" not in pipeline.success


def test_a_step_is_given_its_parameters_and_the_token_it_left(pipeline: Pipeline) -> None:
    seen: list[tuple[Any, str | None]] = []

    def step(given: Any, token: str | None) -> Done | NotYet:
        seen.append((given["execution"], token))
        return NotYet(token="half-way") if token is None else Done(summary="Done.")

    answer(pipeline, a_job(), step)
    assert pipeline.success is not None
    token = pipeline.success["continuationToken"]
    answer(pipeline, a_job(token=token), step, NOON + timedelta(minutes=29))
    assert seen == [("e-1", None), ("e-1", "half-way")]
    assert "continuationToken" not in pipeline.success


def test_a_step_that_takes_too_long_in_all_fails_with_its_time(pipeline: Pipeline) -> None:
    answer(pipeline, a_job(), lambda given, token: NotYet(token="half-way"))
    assert pipeline.success is not None
    late = NOON + timedelta(minutes=31)
    event = a_job(token=pipeline.success["continuationToken"])
    answer(pipeline, event, lambda given, token: NotYet(token="still"), late)
    assert pipeline.failure is not None
    assert pipeline.failure["failureDetails"]["message"] == "work was not done within 30 minutes."


def test_a_failure_is_reported_in_the_functions_own_sentence(pipeline: Pipeline) -> None:
    def step(given: Any, token: str | None) -> Done:
        raise VectoraError("The canary's newsletter has no items.")

    answered = answer(pipeline, a_job(), step)
    assert pipeline.failure == {
        "jobId": "job-1",
        "failureDetails": {"type": "JobFailed", "message": "The canary's newsletter has no items."},
    }
    assert answered["state"] == "failed"


def test_an_unexpected_failure_is_reported_too(pipeline: Pipeline) -> None:
    answer(pipeline, a_job(), lambda given, token: 1 / 0)  # type: ignore[arg-type, return-value]
    assert pipeline.failure is not None
    assert pipeline.failure["failureDetails"]["message"] == "ZeroDivisionError: division by zero"


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"operation": "work"}, "'execution' is missing"),
        ({**PARAMETERS, "timeout_minutes": "soon"}, "'timeout_minutes'"),
        ({**PARAMETERS, "operation": "rest"}, "Operation 'rest' is none of work."),
        ("{not json", "JSONDecodeError"),
        ("", "'operation' is missing"),
    ],
)
def test_rubbish_in_the_parameters_fails_the_job_with_a_sentence(
    pipeline: Pipeline, parameters: object, sentence: str
) -> None:
    answer(pipeline, a_job(parameters), lambda given, token: Done(summary="never"))
    assert pipeline.failure is not None
    assert sentence in pipeline.failure["failureDetails"]["message"]
    assert pipeline.success is None


def test_a_message_that_is_too_long_for_codepipeline_is_cut(pipeline: Pipeline) -> None:
    def step(given: Any, token: str | None) -> Done:
        raise VectoraError("x" * 9000)

    answer(pipeline, a_job(), step)
    assert pipeline.failure is not None
    assert len(pipeline.failure["failureDetails"]["message"]) == 5000


@pytest.mark.parametrize("text", ["", "\x00", "\x1b[31m", "\U0001f4a5" * 9000, "two\nlines", "x" * 10_000_000])
def test_a_failure_of_any_text_is_reported(pipeline: Pipeline, text: str) -> None:
    def step(given: Any, token: str | None) -> Done:
        raise VectoraError(text)

    assert answer(pipeline, a_job(), step)["state"] == "failed"
    assert pipeline.failure is not None
    message = pipeline.failure["failureDetails"]["message"]
    assert 0 < len(message) <= 5000
    assert message.isprintable()


def test_a_failure_names_no_signed_address(pipeline: Pipeline) -> None:
    def step(given: Any, token: str | None) -> Done:
        raise OSError("https://bucket.example.org/code.zip?X-Amz-Signature=TOPSECRET could not be read")

    answered = answer(pipeline, a_job(), step)
    assert "TOPSECRET" not in json.dumps([answered, pipeline.failure])


@pytest.mark.parametrize("code", ["InvalidJobStateException", "JobNotFoundException"])
def test_a_job_that_ended_meanwhile_is_no_failure_of_the_function(pipeline: Pipeline, code: str) -> None:
    def refuse(given: Any, token: str | None) -> Done:
        raise VectoraError("No items.")

    pipeline.refuses_success = pipeline.refuses_failure = code
    assert answer(pipeline, a_job(), lambda given, token: Done(summary="Done.")) == {"state": "too late"}
    assert answer(pipeline, a_job(), lambda given, token: NotYet(token="half-way")) == {"state": "too late"}
    assert answer(pipeline, a_job(), refuse) == {"state": "too late"}


def test_an_answer_that_codepipeline_refuses_fails_the_job_instead_of_leaving_it_open(pipeline: Pipeline) -> None:
    pipeline.refuses_success = "OutputVariablesSizeExceededException"
    answer(pipeline, a_job(), lambda given, token: Done(summary="Done.", variables={"v": "x" * 200_000}))
    assert pipeline.failure is not None
    assert "OutputVariablesSizeExceededException" in pipeline.failure["failureDetails"]["message"]


def test_a_failure_that_cannot_be_reported_is_raised_for_another_try(pipeline: Pipeline) -> None:
    pipeline.refuses_success = pipeline.refuses_failure = "ThrottlingException"
    with pytest.raises(ClientError):
        answer(pipeline, a_job(), lambda given, token: Done(summary="Done."))
