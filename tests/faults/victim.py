"""Process that runs one operation on the small environment and kills itself when a step begins."""

from __future__ import annotations

import os
import signal
import sys

import boto3

from rehearsal.promotion_in_process import with_promotion
from vectora_ops.account import Account
from vectora_ops.names import Names
from vectora_ops.progress import Observer
from vectora_ops.rollback.request import RollbackRequest
from vectora_ops.rollback.run import roll_back
from vectora_ops.snapshots.manifest import Occasion
from vectora_ops.snapshots.retention import Policy, prune
from vectora_ops.snapshots.take import SnapshotRequest, take_snapshot

NAMES = Names(project="vectora-inbox", env="dev")


class DiesAt(Observer):
    """Observer that kills the process at the first step of that name, which may be one of the safety snapshot."""

    def __init__(self, step: str) -> None:
        self._step = step

    def step(self, name: str) -> None:
        if name == self._step:
            os.kill(os.getpid(), signal.SIGKILL)


def main(operation: str, subject: str, step: str) -> None:
    account = with_promotion(Account("0" * 12, "eu-west-3", boto3.Session(region_name="eu-west-3")), NAMES)
    observer = DiesAt(step)
    match operation:
        case "snapshot":
            request = SnapshotRequest(label=subject, occasion=Occasion(kind="operator"))
            take_snapshot(account, NAMES, request, observer=observer)
        case "rollback":
            roll_back(account, NAMES, RollbackRequest(snapshot=subject), smoke_test=lambda: None, observer=observer)
        case "prune":
            prune(account, NAMES, Policy(keep_last=int(subject), minimum_age_days=0), observer=observer)


if __name__ == "__main__":
    main(*sys.argv[1:])
