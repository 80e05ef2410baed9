"""Function of a custom resource that publishes a release's configuration; a rollback publishes the old one again."""

from __future__ import annotations

import logging
from typing import Any

from vectora_shared.aws import read_object, s3_client
from vectora_shared.config.publication import publish
from vectora_shared.custom_resource import answer_cloudformation
from vectora_shared.errors import VectoraError
from vectora_shared.runtime import set_log_level

logger = logging.getLogger("vectora")


def lambda_handler(event: dict[str, Any], context: Any) -> None:
    set_log_level()
    physical_id = f"{event['ResourceProperties']['ConfigBucket']}/configuration"
    failure, data = None, {}
    try:
        # A deleted stack leaves its configuration in place, because it is data of the environment.
        if event["RequestType"] != "Delete":
            data = _publish(event["ResourceProperties"])
    except VectoraError as error:
        logger.error("%s", error)
        failure = str(error)
    except Exception as error:
        logger.exception("The publication failed unexpectedly")
        failure = f"{type(error).__name__}: {error}"
    answer_cloudformation(event, physical_id, data=data, failure=failure)


def _publish(properties: dict[str, str]) -> dict[str, Any]:
    s3 = s3_client()
    archive = read_object(s3, Bucket=properties["ContentBucket"], Key=properties["ContentKey"]).body
    publication = publish(s3, archive=archive, digest=properties["ContentDigest"], bucket=properties["ConfigBucket"])
    return {
        "Digest": publication.digest,
        "Written": len(publication.written),
        "Deleted": len(publication.deleted),
        "Unchanged": publication.unchanged,
    }
