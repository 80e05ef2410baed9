"""IAM policy of people who approve: promotions and changes, and nothing by which they would approve their own work."""

from __future__ import annotations

import json
from typing import Any

from cli.change_approval import UPDATE_STAGE
from vectora_ops.names import APPROVED_CHANGE, BYPASS, HOLD
from vectora_ops.settings import ENVIRONMENT_NAMES, Settings

APPROVER_POLICY_FILE = "docs/reference/approver-policy.json"


def approver_policy(settings: Settings, account_id: str, region: str) -> dict[str, Any]:
    """Return the policy document for the pipeline's account and region, each a name or `*`."""
    names = settings.names(ENVIRONMENT_NAMES[-1])
    here = f"{region}:{account_id}"
    pipeline = f"arn:aws:codepipeline:{here}:{names.pipeline}"
    parameter = f"arn:aws:ssm:{here}:parameter"
    functions = [f"arn:aws:lambda:{here}:function:{names.review_function}"]
    functions += [f"arn:aws:lambda:{here}:function:{settings.names(env).function('promotion')}" for env in _sources()]
    approvals = f"{parameter}{names.pipeline_parameter(APPROVED_CHANGE)}"
    records = [
        f"{parameter}{settings.names(env).parameter(path)}" for env in ENVIRONMENT_NAMES for path in (BYPASS, HOLD)
    ]
    return {
        "Version": "2012-10-17",
        "Statement": [
            _statement(
                "SeePipeline",
                "codepipeline:GetPipeline codepipeline:GetPipelineExecution codepipeline:GetPipelineState "
                "codepipeline:ListActionExecutions codepipeline:ListPipelineExecutions",
                [pipeline],
            ),
            _statement(
                "Approve",
                "codepipeline:PutApprovalResult",
                [f"{pipeline}/{env}/approval-{env}" for env in ENVIRONMENT_NAMES[1:]],
            ),
            _statement("ApproveChanges", "ssm:GetParameter ssm:GetParameterHistory ssm:PutParameter", [approvals]),
            _statement("GoOn", "codepipeline:RetryStageExecution", [f"{pipeline}/{UPDATE_STAGE}"]),
            _statement("Explain", "lambda:InvokeFunction", functions),
            _statement("ReadReports", "s3:GetObject", [f"arn:aws:s3:::{names.pipeline_bucket('artifacts')}/reports/*"]),
            # Also where another policy of the same person allows it.
            _statement(
                "NeverPush",
                "codecommit:GitPush codeconnections:UseConnection codestar-connections:UseConnection",
                ["*"],
                effect="Deny",
            ),
            _statement("NeverBypass", "ssm:DeleteParameter ssm:PutParameter", records, effect="Deny"),
            _statement(
                "NeverChangeThePipeline",
                "codepipeline:DeletePipeline codepipeline:StartPipelineExecution codepipeline:UpdatePipeline",
                [pipeline],
                effect="Deny",
            ),
            _statement(
                "NeverChangeTheReview",
                "lambda:UpdateFunctionCode lambda:UpdateFunctionConfiguration",
                functions[:1],
                effect="Deny",
            ),
        ],
    }


def approver_policy_text(settings: Settings) -> str:
    """Return the document in the repository: for any account, in the pipeline's region."""
    return json.dumps(approver_policy(settings, "*", settings.pipeline_place.region), indent=2) + "\n"


def _sources() -> tuple[str, ...]:
    """Return the environments whose functions judge what goes into the next one."""
    return ENVIRONMENT_NAMES[:-1]


def _statement(sid: str, actions: str, resources: list[str], *, effect: str = "Allow") -> dict[str, Any]:
    return {"Sid": sid, "Effect": effect, "Action": actions.split(), "Resource": resources}
