"""Publisher of changes of state to the observer and to EventBridge."""

from __future__ import annotations

import json
import queue
import sys
import threading
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError

from rehearsal.codepipeline.aws import Aws
from rehearsal.codepipeline.hooks import Observer, StateChange
from vectora_ops.plain_text import visible

ENTRIES_OF_A_CALL = 10
TITLES = {"pipeline": "Pipeline", "stage": "Stage", "action": "Action"}


@dataclass(frozen=True)
class Notice:
    """A change of state with the detail of its event."""

    change: StateChange
    detail: Mapping[str, Any]


class Publisher:
    """A publisher that sends notices in order, in a thread of its own, so that the engine never waits for it."""

    def __init__(self, observer: Observer) -> None:
        self.aws: Aws | None = None
        self._observer = observer
        self._notices: queue.Queue[Notice | None] = queue.Queue()
        self._thread = threading.Thread(target=self._run, daemon=True, name="codepipeline-events")
        self._thread.start()

    def publish(self, notice: Notice) -> None:
        """Queue a notice."""
        self._notices.put(notice)

    def close(self) -> None:
        """Return after all queued notices were sent."""
        self._notices.put(None)
        self._thread.join()

    def _run(self) -> None:
        while notice := self._notices.get():
            batch = [notice]
            while len(batch) < ENTRIES_OF_A_CALL and not self._notices.empty():
                following = self._notices.get()
                if following is None:
                    self._publish_all(batch)
                    return
                batch.append(following)
            self._publish_all(batch)

    def _publish_all(self, batch: list[Notice]) -> None:
        for notice in batch:
            self._observe(notice.change)
        if self.aws is None:
            return
        entries = [_entry(notice, self.aws) for notice in batch]
        try:
            answer = self.aws.service_client("events").put_events(Entries=entries)
        except EndpointConnectionError:
            # The emulator has ended, and with it all recipients of events.
            return
        except (ClientError, BotoCoreError) as error:
            print(visible(f"CodePipeline's events did not reach EventBridge: {error}"), file=sys.stderr)
            return
        if answer["FailedEntryCount"]:
            print(visible(f"EventBridge refused CodePipeline's events: {answer['Entries']}"), file=sys.stderr)

    def _observe(self, change: StateChange) -> None:
        try:
            self._observer(change)
        except Exception:  # noqa: BLE001
            # An error of the observer, such as a live view, must not end the execution.
            traceback.print_exc()


def _entry(notice: Notice, aws: Aws) -> dict[str, Any]:
    change = notice.change
    return {
        "Source": "aws.codepipeline",
        "DetailType": f"CodePipeline {TITLES[change.kind]} Execution State Change",
        "Detail": json.dumps(notice.detail),
        "Resources": [f"arn:aws:codepipeline:{aws.region}:{aws.account}:{change.pipeline}"],
        "Time": change.at,
    }
