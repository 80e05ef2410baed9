"""The executor of Lambda actions: the function gets a job and answers it through CodePipeline's API."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from rehearsal.codepipeline.actions.context import Context, Outcome
from rehearsal.codepipeline.aws import error_text
from rehearsal.codepipeline.errors import ActionFailedError
from rehearsal.codepipeline.jobs import Answer, Job
from rehearsal.codepipeline.state import Artifact

NO_ANSWER = (
    "The AWS Lambda function {name} failed to return a result. Check the function to verify that it has permission to "
    "call the PutJobSuccessResult action and that it made a call to PutJobSuccessResult."
)


def run(context: Context) -> Outcome:
    """Run the action; raise ActionFailedError when the function cannot be invoked, fails, or does not answer."""
    timing = context.hooks.timing
    latest = time.monotonic() + timing.job_limit
    outputs = tuple(context.output_location(name) for name in context.run.action.outputs)
    token: str | None = None
    while True:
        answer = _run_job(context, outputs, token)
        context.run.external_id = answer.external_id or context.run.external_id
        if answer.failure:
            raise ActionFailedError(*answer.failure)
        token = answer.continuation_token
        if token is None:
            return Outcome(answer.variables, outputs, answer.summary)
        if time.monotonic() + timing.continuation_pause > latest:
            raise ActionFailedError(NO_ANSWER.format(name=context.configuration["FunctionName"]), "JobTimedOut")
        context.pause(timing.continuation_pause)


def _run_job(context: Context, outputs: tuple[Artifact, ...], token: str | None) -> Answer:
    job = context.jobs.open(Job(context.aws.account, _data(context, outputs, token), _pipeline_context(context)))
    try:
        _invoke(context, job)
        context.wait_until(lambda: job.answer is not None, context.hooks.timing.job_answer)
    finally:
        context.jobs.close(job)
    if job.answer is None:
        raise ActionFailedError(NO_ANSWER.format(name=context.configuration["FunctionName"]), "JobTimedOut")
    return job.answer


def _invoke(context: Context, job: Job) -> None:
    name = context.configuration["FunctionName"]
    event = {"CodePipeline.job": {"id": job.id, "accountId": job.account, "data": job.data}}
    try:
        context.client("lambda").invoke(
            FunctionName=name, InvocationType="Event", Payload=json.dumps(event).encode("utf-8")
        )
    except (ClientError, BotoCoreError) as error:
        message = f"The AWS Lambda function {name} could not be invoked: {error_text(error)}"
        raise ActionFailedError(message, "ConfigurationError") from error


def _data(context: Context, outputs: tuple[Artifact, ...], token: str | None) -> Mapping[str, Any]:
    credentials = context.pipeline_role.identity
    data: dict[str, Any] = {
        "actionConfiguration": {"configuration": dict(context.configuration)},
        "inputArtifacts": [_location(artifact) for artifact in context.run.inputs],
        "outputArtifacts": [_location(artifact) for artifact in outputs],
        "artifactCredentials": {
            "accessKeyId": credentials.key,
            "secretAccessKey": credentials.secret,
            "sessionToken": credentials.token,
            "expirationTime": int(context.pipeline_role.expires.timestamp() * 1000),
        },
    }
    if token is not None:
        data["continuationToken"] = token
    if key := context.artifact_store.encryption_key:
        data["encryptionKey"] = {"id": key, "type": "KMS"}
    return data


def _location(artifact: Artifact) -> dict[str, Any]:
    location = {"bucketName": artifact.bucket, "objectKey": artifact.key}
    return {"name": artifact.name, "revision": artifact.revision, "location": {"type": "S3", "s3Location": location}}


def _pipeline_context(context: Context) -> Mapping[str, Any]:
    pipeline = context.execution.pipeline.name
    return {
        "pipelineName": pipeline,
        "stage": {"name": context.run.stage},
        "action": {"name": context.run.action.name, "actionExecutionId": context.run.id},
        "pipelineArn": f"arn:aws:codepipeline:{context.aws.region}:{context.aws.account}:{pipeline}",
        "pipelineExecutionId": context.execution.id,
    }
