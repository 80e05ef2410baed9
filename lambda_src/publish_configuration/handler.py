"""CloudFormation calls this to publish a release's configuration content, and again with the old one to roll back."""

from __future__ import annotations

import json
import logging
import urllib.request
from typing import Any

import boto3

from vectora_core.config.publication import publish
from vectora_core.errors import VectoraError
from vectora_core.runtime import set_log_level

logger = logging.getLogger("vectora")
# CloudFormation refuses a longer response (custom resource reference: 4,096 bytes in all).
LONGEST_REASON = 1500


def lambda_handler(event: dict[str, Any], context: Any) -> None:
    set_log_level()
    bucket = event["ResourceProperties"]["ConfigBucket"]
    response = {
        "Status": "SUCCESS",
        "PhysicalResourceId": f"{bucket}/configuration",
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
    }
    try:
        # A stack that goes away leaves the configuration in place: it is data of the environment.
        if event["RequestType"] != "Delete":
            response["Data"] = _publish(event["ResourceProperties"])
    except VectoraError as error:
        logger.error("%s", error)
        response |= {"Status": "FAILED", "Reason": str(error)[:LONGEST_REASON]}
    except Exception as error:
        logger.exception("The publication failed unexpectedly")
        response |= {"Status": "FAILED", "Reason": f"{type(error).__name__}: {error}"[:LONGEST_REASON]}
    _answer(event["ResponseURL"], response)


def _publish(properties: dict[str, str]) -> dict[str, Any]:
    s3 = boto3.client("s3")
    archive = s3.get_object(Bucket=properties["ContentBucket"], Key=properties["ContentKey"])["Body"].read()
    publication = publish(s3, archive=archive, digest=properties["ContentDigest"], bucket=properties["ConfigBucket"])
    return {
        "Digest": publication.digest,
        "Written": len(publication.written),
        "Deleted": len(publication.deleted),
        "Unchanged": publication.unchanged,
    }


def _answer(url: str, response: dict[str, Any]) -> None:
    request = urllib.request.Request(url, data=json.dumps(response).encode("utf-8"), method="PUT")  # noqa: S310
    # A signed URL allows exactly the headers that it was signed with: no content type.
    request.add_header("Content-Type", "")
    with urllib.request.urlopen(request, timeout=30):  # noqa: S310
        logger.info("Answered CloudFormation: %s", response["Status"])
