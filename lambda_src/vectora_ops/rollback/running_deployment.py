"""Check that the pipeline is not changing the environment that an operator rolls back."""

from __future__ import annotations

import logging

from botocore.exceptions import BotoCoreError, ClientError

from vectora_ops.account import PIPELINE, Account
from vectora_ops.names import Names
from vectora_ops.records import Deployment, Records
from vectora_ops.times import minute
from vectora_shared.errors import VectoraError

logger = logging.getLogger("vectora")
# States in which an execution may still change something (PipelineExecution, CodePipeline API reference).
RUNNING = ("InProgress", "Stopping")


def require_no_running_deployment(account: Account, names: Names) -> None:
    """Raise VectoraError while an execution of the pipeline deploys into the environment.

    Its next action would change what the rollback has restored. The failure of an execution is rolled back by itself.
    """
    records = Records(account, names)
    deployment = records.deployment()
    if deployment is None or not deployment.is_running(records.ledger()) or not _is_running(account, names, deployment):
        return
    raise VectoraError(
        f"{names.env} is being deployed by execution {deployment.execution} since {minute(deployment.at)}, so nothing "
        "was changed. Wait for its end, or stop it (aws codepipeline stop-pipeline-execution --abandon --pipeline-name "
        f"{names.pipeline} --pipeline-execution-id {deployment.execution}): {names.env} is then rolled back by itself."
    )


def _is_running(account: Account, names: Names, deployment: Deployment) -> bool:
    try:
        answer = (
            account.of(PIPELINE)
            .client("codepipeline")
            .get_pipeline_execution(pipelineName=names.pipeline, pipelineExecutionId=deployment.execution)
        )
    except (ClientError, BotoCoreError, VectoraError) as error:
        # A rollback is urgent: an execution of unknown state does not prevent it.
        logger.warning("Whether execution %s is running is unknown: %s", deployment.execution, error)
        return False
    return answer["pipelineExecution"]["status"] in RUNNING
