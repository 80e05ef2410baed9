"""Function pipeline-relay: steps of the pipeline run in environments of other accounts or regions."""

from __future__ import annotations

import functools
import json
import logging
import os
from typing import Any

from pipeline_relay.relay import relay_job
from vectora_ops.account import Account, account_of_credentials


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    logging.getLogger("vectora").setLevel("INFO")
    return relay_job(_account(), os.environ["PROJECT_NAME"], event, context)


# Once for each execution environment, whose credentials stay (Lambda guide, best practices).
@functools.cache
def _account() -> Account:
    return account_of_credentials(os.environ["AWS_REGION"]).with_roles(json.loads(os.environ["ELSEWHERE"]))
