"""An operator does not roll back what the pipeline is deploying, and may roll back what a lost execution left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.faults.operations import back_to, take
from tests.faults.small_environment import NAMES, SmallEnvironment
from tests.faults.test_what_really_runs import snapshot
from vectora_ops.records import Records
from vectora_ops.snapshots.vault import Vault
from vectora_shared.errors import VectoraError


@dataclass
class Executions:
    """CodePipeline, which knows one execution."""

    status: str | None

    def get_pipeline_execution(self, **_request: Any) -> dict[str, Any]:
        if self.status is None:
            raise ClientError({"Error": {"Code": "PipelineNotFoundException", "Message": "x"}}, "GetPipelineExecution")
        return {"pipelineExecution": {"status": self.status}}


@pytest.mark.parametrize("status", ["InProgress", "Stopping"])
def test_an_operator_does_not_roll_back_what_the_pipeline_is_deploying(small: SmallEnvironment, status: str) -> None:
    small.account._clients["codepipeline"] = Executions(status)
    good = take(small.account)
    snapshot(small.account)
    small.deploy("2")
    before, taken = small.state(), Vault(small.account, NAMES).manifests()
    with pytest.raises(VectoraError, match=r"is being deployed by execution e-1 .* stop-pipeline-execution"):
        back_to(small.account, good)
    assert (small.state(), Vault(small.account, NAMES).manifests()) == (before, taken)


@pytest.mark.parametrize("status", ["Succeeded", "Failed", "Stopped", "Superseded", None])
def test_an_operator_rolls_back_what_a_lost_execution_left(small: SmallEnvironment, status: str | None) -> None:
    small.account._clients["codepipeline"] = Executions(status)
    good = take(small.account)
    snapshot(small.account)
    small.deploy("2")
    back_to(small.account, good)
    records = Records(small.account, NAMES)
    deployment = records.deployment()
    assert deployment is not None
    assert not deployment.is_running(records.ledger())
