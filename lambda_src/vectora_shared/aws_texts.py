"""Texts that AWS APIs accept: one printable line, without secrets, of limited length."""

from __future__ import annotations

import re

NO_TEXT = "no reason given"
# Texts are cut to this length first: no API accepts more.
LONGEST_TEXT = 16 * 1024
ELLIPSIS = "..."
# Systems Manager, PutParameter: a standard parameter holds 4 KB.
LONGEST_PARAMETER = 4096
# SNS, Publish: a subject has less than 100 characters and no line breaks; a message has at most 256 KB, more than
# anyone reads.
LONGEST_SUBJECT = 99
LONGEST_NOTIFICATION = 16 * 1024
# CodePipeline: FailureDetails.message, ExecutionDetails.summary.
LONGEST_JOB_FAILURE = 5000
LONGEST_JOB_SUMMARY = 2048
# CodePipeline: an action's user parameters have at most 1000 characters, and output variables are part of them.
LONGEST_VARIABLE = 200
# CloudFormation, custom resource response objects: 4,096 bytes in all. JSON may escape a byte of UTF-8 as three bytes.
LONGEST_STACK_REASON = 1000
WITHHELD = "(withheld)"
_WITHHELD_VALUES = (
    r"(?:x-amz-(?:security-token|signature|credential)|aws_?access_?key_?id|(?:aws_?)?secret_?access_?key|"
    r"session_?token|signature|api_?key|password|secret)"
)
# Signed URLs, CodePipeline's artifactCredentials, keys of sources, and what looks like an access key.
_SECRETS = (
    re.compile(rf"(?i)(?<![a-z])({_WITHHELD_VALUES}[\"']?\s{{0,3}}[=:]\s{{0,3}}[\"']?)[^\s\"'&,;)}}\]]+"),
    re.compile(r"()(?<![A-Z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Z0-9])"),
    re.compile(r"(https?://)[^\s/@:\"']{1,200}:[^\s/@\"']{1,200}(?=@)"),
)
_ADJACENT_BRACES = re.compile(r"([{}])(?=\1)")


def plain(text: object) -> str:
    """Return the text as one line of printable characters, without secrets; never empty.

    Control characters, escape sequences, unpaired surrogates and invisible characters become spaces.
    """
    line = str(text)[:LONGEST_TEXT]
    if not line.isprintable():
        line = "".join(each if each.isprintable() else " " for each in line)
    return redacted(" ".join(line.split())) or NO_TEXT


def redacted(text: str) -> str:
    """Return the text without credentials and signatures, which no e-mail and no log may contain.

    Unpaired surrogates, which no output can encode, become question marks.
    """
    text = text.encode("utf-8", errors="replace").decode("utf-8")
    for pattern in _SECRETS:
        text = pattern.sub(rf"\1{WITHHELD}", text)
    return text


def cut(text: str, most_bytes: int) -> str:
    """Return the text cut to a number of bytes of UTF-8, in whole characters; a cut text ends in dots."""
    body = text.encode("utf-8")
    if len(body) <= most_bytes:
        return text
    return body[: max(most_bytes - len(ELLIPSIS), 0)].decode("utf-8", errors="ignore") + ELLIPSIS[:most_bytes]


def without_references(text: str) -> str:
    """Return the text without double braces, in which Systems Manager sees references to other parameters."""
    return _ADJACENT_BRACES.sub(r"\1 ", text)


def subject(text: object) -> str:
    """Return a subject that SNS accepts; it must begin with a letter, a number or a punctuation mark."""
    return cut(plain(text).encode("ascii", errors="replace").decode("ascii"), LONGEST_SUBJECT)


def notification(text: object) -> str:
    """Return a message that SNS accepts."""
    return cut(plain(text), LONGEST_NOTIFICATION)


def job_failure(text: object) -> str:
    """Return a failure message of a CodePipeline job."""
    return cut(plain(text), LONGEST_JOB_FAILURE)


def job_summary(text: object) -> str:
    """Return a summary of a CodePipeline job."""
    return cut(plain(text), LONGEST_JOB_SUMMARY)


def variable(text: object, most_bytes: int = LONGEST_VARIABLE) -> str:
    """Return a value for the parameters of an action, into whose JSON CodePipeline inserts it without escaping it."""
    safe = plain(text).replace('"', "'").replace("\\", "/").replace("#{", "# {")
    return cut(safe, most_bytes)


def stack_reason(text: object) -> str:
    """Return the reason of a custom resource's failure."""
    return cut(plain(text), LONGEST_STACK_REASON)
