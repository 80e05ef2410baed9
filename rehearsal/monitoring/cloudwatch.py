"""CloudWatch of one environment: the data that its functions and services publish, its alarms and its dashboards."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

from rehearsal.monitoring.data import Datum, Series
from rehearsal.monitoring.drawing import Facts, drawn
from rehearsal.monitoring.evaluation import State
from rehearsal.monitoring.extraction import Refused, extract
from rehearsal.monitoring.services import metrics_of_run, runs_of
from vectora_ops.names import FUNCTION_TASKS, OPERATIONS_TASKS, STACK_LAYERS, Names
from vectora_shared.aws_errors import error_code

# PutMetricData, API reference: at most 1,000 metrics in a request.
DATA_A_REQUEST = 1000
DAY = timedelta(days=1)
ALARM = "AWS::CloudWatch::Alarm"


class CloudWatch:
    """CloudWatch of one environment, as its administrator sees it."""

    def __init__(self, session: boto3.Session, names: Names, machine: str) -> None:
        make: Any = session.client
        self._client, self._logs, self._states = make("cloudwatch"), make("logs"), make("stepfunctions")
        self._stacks = make("cloudformation")
        self._names, self._machine = names, machine
        self.published: list[Datum] = []
        self.refused: list[Refused] = []

    def collect(self) -> None:
        """Publish what AWS would have published about the runs so far, and what the functions printed."""
        for task in (*FUNCTION_TASKS, *OPERATIONS_TASKS):
            data, refused = extract(self._lines(self._names.log_group(task)), datetime.now(UTC))
            self.refused += refused
            self.publish(data)
        self.publish([datum for run in runs_of(self._states, self._machine) for datum in metrics_of_run(run)])

    def publish(self, data: Sequence[Datum]) -> None:
        """Publish data by PutMetricData."""
        by_namespace: dict[str, list[Datum]] = {}
        for datum in data:
            by_namespace.setdefault(datum.series.namespace, []).append(datum)
        for namespace, own in by_namespace.items():
            for begin in range(0, len(own), DATA_A_REQUEST):
                chosen = own[begin : begin + DATA_A_REQUEST]
                self._client.put_metric_data(Namespace=namespace, MetricData=[_request(each) for each in chosen])
        self.published += data

    def alarms(self) -> list[Mapping[str, Any]]:
        """Return the descriptions of the alarms in the environment's stacks."""
        found: list[Mapping[str, Any]] = []
        for layer in STACK_LAYERS:
            pages = self._stacks.get_paginator("list_stack_resources").paginate(StackName=self._names.stack(layer))
            resources = [each for page in pages for each in page["StackResourceSummaries"]]
            names = [each["PhysicalResourceId"] for each in resources if each["ResourceType"] == ALARM]
            found += self._client.describe_alarms(AlarmNames=names)["MetricAlarms"] if names else []
        return found

    def set_state(self, alarm: str, state: State, reason: str) -> None:
        """Set the state of an alarm, whose actions follow as on AWS."""
        self._client.set_alarm_state(AlarmName=alarm, StateValue=state, StateReason=reason)

    def draw(self, folder: Path, now: datetime) -> dict[str, Path]:
        """Write a drawing of the environment's dashboard into `folder`; return the file by the dashboard's name."""
        body = json.loads(self._client.get_dashboard(DashboardName=self._names.dashboard)["DashboardBody"])
        states: dict[str, State] = {each["AlarmName"]: each["StateValue"] for each in self.alarms()}
        begin = min((each.at for each in self.published), default=now - DAY)
        facts = Facts(data=self._of, states=states, begin=begin, end=now)
        file = folder / f"{self._names.env}.svg"
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(drawn(f"Dashboard {self._names.dashboard}", body, facts), encoding="utf-8")
        return {self._names.dashboard: file}

    def _of(self, series: Series) -> list[Datum]:
        return [each for each in self.published if each.series == series]

    def _lines(self, group: str) -> Iterable[str]:
        try:
            for page in self._logs.get_paginator("filter_log_events").paginate(logGroupName=group):
                yield from (str(event["message"]) for event in page["events"])
        except ClientError as error:
            # A function that was never invoked has none.
            if error_code(error) != "ResourceNotFoundException":
                raise


def _request(datum: Datum) -> dict[str, Any]:
    return {
        "MetricName": datum.series.name,
        "Dimensions": [{"Name": name, "Value": value} for name, value in sorted(datum.series.dimensions)],
        "Timestamp": datum.at,
        "Value": datum.value,
        "Unit": datum.unit,
    }
