"""Responses to CloudFormation, which waits for one after each request of a custom resource."""

from __future__ import annotations

import json
import logging
import urllib.request
from collections.abc import Mapping
from typing import Any

from vectora_shared.aws_texts import stack_reason

logger = logging.getLogger("vectora")


def answer_cloudformation(
    event: Mapping[str, Any],
    physical_id: str,
    *,
    data: Mapping[str, Any] | None = None,
    failure: str | None = None,
) -> None:
    """Report that the request succeeded, with attributes in `data`, or that it failed because of `failure`."""
    response: dict[str, Any] = {
        "Status": "SUCCESS" if failure is None else "FAILED",
        "PhysicalResourceId": physical_id,
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
    }
    response |= {"Data": dict(data or {})} if failure is None else {"Reason": stack_reason(failure)}
    body = json.dumps(response).encode("utf-8")
    request = urllib.request.Request(event["ResponseURL"], data=body, method="PUT")  # noqa: S310
    # The URL was signed without a content type, so S3 refuses a request that has one.
    request.add_header("Content-Type", "")
    with urllib.request.urlopen(request, timeout=30):  # noqa: S310
        logger.info("Answered CloudFormation: %s", response["Status"])
