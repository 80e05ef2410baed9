"""Texts sent to AWS: accepted by its interface with any content, and free of secrets."""

from __future__ import annotations

import gzip
import json
import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import botocore
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vectora_ops.promotion.hold import TRANSITION_REASON
from vectora_shared import aws_texts
from vectora_shared.custom_resource import answer_cloudformation
from vectora_shared.runtime import set_log_level

HOSTILE = (
    "",
    "\x00",
    "\x1b[31mred\x1b[0m",
    "{{ssm:/aws/reference}}",
    "\U0001f4a5" * 30_000,
    "one\nline\r\nafter another",
    "x" * 10_000_000,
    "\ud800 alone",
    "‮gnirts",
)
SECRETS = (
    "https://bucket.s3.eu-west-3.amazonaws.com/key?X-Amz-Security-Token=TOPSECRET&X-Amz-Signature=TOPSECRET",
    "Max retries exceeded with url: /key?X-Amz-Credential=TOPSECRET%2F20260101&AWSAccessKeyId=TOPSECRET",
    '{"artifactCredentials": {"secretAccessKey": "TOPSECRET", "sessionToken": "TOPSECRET"}}',
    "{'secretAccessKey': 'TOPSECRET', 'sessionToken': 'TOPSECRET'}",
    "https://eutils.example.org/search?api_key=TOPSECRET&term=x",
    "https://user:TOPSECRET@proxy.example.org:8080",
    "password=TOPSECRET",
)


def shapes(service: str) -> dict[str, Any]:
    """Return a limit of botocore's model of a service."""
    [folder] = (Path(botocore.__file__).parent / "data" / service).iterdir()
    [file] = folder.glob("service-2.json*")
    body = file.read_bytes()
    model: dict[str, Any] = json.loads(gzip.decompress(body) if file.suffix == ".gz" else body)["shapes"]
    return model


def accepted(text: str, shape: dict[str, Any]) -> bool:
    return bool(shape.get("min", 0) <= len(text) <= shape["max"])


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize(
    ("shape", "write"),
    [("Message", aws_texts.job_failure), ("ExecutionSummary", aws_texts.job_summary)],
)
def test_a_jobs_answer_fits_codepipelines_model(shape: str, write: Callable[[object], str], text: str) -> None:
    assert accepted(write(text), shapes("codepipeline")[shape])


def test_the_reason_of_a_disabled_transition_fits_codepipelines_model() -> None:
    shape = shapes("codepipeline")["DisabledReason"]
    assert accepted(TRANSITION_REASON, shape)
    assert re.fullmatch(shape["pattern"], TRANSITION_REASON)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_subject_and_a_message_are_valid_for_sns(text: str) -> None:
    subject, message = aws_texts.subject(text), aws_texts.notification(text)
    assert 0 < len(subject) < 100
    assert subject.isascii()
    assert subject.isprintable()
    assert subject[0] != " "
    assert 0 < len(message.encode("utf-8")) <= 256 * 1024


@pytest.mark.parametrize("text", [*HOSTILE, '"}, {"operation": "record', "C:\\", "#{codepipeline.PipelineExecutionId}"])
def test_a_variable_does_not_break_the_json_parameters_around_it(text: str) -> None:
    value = aws_texts.variable(text)
    assert json.loads(f'{{"value": "{value}"}}') == {"value": value}
    assert "#{" not in value
    assert 0 < len(value) <= 200


@settings(deadline=None)
@given(st.text(max_size=300))
def test_any_text_becomes_one_printable_line_and_stays_so(text: str) -> None:
    line = aws_texts.plain(text)
    assert line
    assert line.isprintable()
    line.encode("utf-8")
    assert aws_texts.plain(line) == line
    assert "{{" not in aws_texts.without_references(line)
    assert "}}" not in aws_texts.without_references(line)


@settings(deadline=None)
@given(st.text(max_size=100), st.integers(min_value=0, max_value=120))
def test_a_text_is_cut_at_bytes_in_whole_characters(text: str, most: int) -> None:
    text = aws_texts.plain(text)
    cut = aws_texts.cut(text, most)
    assert len(cut.encode("utf-8")) <= most or cut == text
    assert cut == text or text.startswith(cut.removesuffix("...")) or most < 3


def test_an_ordinary_sentence_is_not_changed() -> None:
    sentence = "smoke-test-dev failed: the canary's newsletter has no items (3 matched) at 10:30 — é."
    for write in (aws_texts.plain, aws_texts.job_failure, aws_texts.notification, aws_texts.variable):
        assert write(sentence) == sentence


@pytest.mark.parametrize("text", SECRETS)
def test_credentials_and_signatures_are_removed(text: str) -> None:
    assert "TOPSECRET" not in aws_texts.plain(text)
    assert aws_texts.WITHHELD in aws_texts.plain(text)


def test_an_access_key_is_removed_in_any_position() -> None:
    assert "ASIA" not in aws_texts.plain(f"(ASIA{'Q' * 16})")


def test_no_log_line_and_no_traceback_holds_a_secret(capsys: pytest.CaptureFixture[str]) -> None:
    set_log_level()
    logger, handler = logging.getLogger("vectora"), logging.StreamHandler()
    logger.addHandler(handler)
    try:
        try:
            raise ValueError(SECRETS[0])
        except ValueError:
            logger.exception("Reading %s failed", SECRETS[1])
    finally:
        logger.removeHandler(handler)
    logged = capsys.readouterr().err
    assert "ValueError" in logged
    assert "TOPSECRET" not in logged


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_failed_custom_resource_is_answered_within_cloudformations_limit(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[bytes] = []

    class Answered:
        def __enter__(self) -> None: ...

        def __exit__(self, *_: object) -> None: ...

    def urlopen(request: Any, timeout: int) -> Answered:
        sent.append(request.data)
        return Answered()

    monkeypatch.setattr("urllib.request.urlopen", urlopen)
    event = {
        "StackId": f"arn:aws:cloudformation:eu-west-3:{'0' * 12}:stack/vectora-inbox-s0-operations-stage/{'1' * 36}",
        "RequestId": "2" * 36,
        "LogicalResourceId": "L" * 255,
        "ResponseURL": "https://bucket.example.org/answer",
    }
    answer_cloudformation(event, "vectora-inbox-snapshots-stage/before-deployment", failure=text)
    [body] = sent
    assert len(body) <= 4096
    answer = json.loads(body)
    assert answer["Status"] == "FAILED", "an empty reason is a failure too"
    assert answer["Reason"]
