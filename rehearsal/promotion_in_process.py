"""Function promotion in this process, for environments that are too small to have it."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any, ClassVar

from vectora_ops.account import Account
from vectora_ops.names import Names
from vectora_ops.promotion.anchoring import anchor_snapshot, forget_anchors
from vectora_ops.promotion.beginning import Beginning, begin_deployment
from vectora_ops.withholding_key import create_key
from vectora_shared.errors import VectoraError


def with_promotion(account: Account, names: Names) -> Account:
    """Return the account with an invoker that runs the environment's function promotion, with clients of its own."""
    account._clients["invoker"] = PromotionInProcess(replace(account, _clients={}), names)
    return account


def in_promotion() -> bool:
    """Return whether a function promotion is running."""
    return bool(PromotionInProcess.busy)


class PromotionInProcess:
    """The operations of function promotion that concern snapshots.

    `preceding` answers for the function of the environment before, which judges releases.
    """

    busy: ClassVar[list[object]] = []

    def __init__(self, account: Account, names: Names, preceding: Any = None) -> None:
        self._account = account
        if preceding is not None:
            self._account._clients["invoker"] = preceding
        self._names = names

    def invoke(self, *, FunctionName: str, Payload: bytes, **_: Any) -> dict[str, Any]:  # noqa: N803  (boto3's names)
        assert FunctionName == self._names.function("promotion"), FunctionName  # noqa: S101
        self.busy.append(self)
        try:
            answer = {"state": "done", **self._answer(json.loads(Payload))}
        except VectoraError as error:
            answer = {"state": "failed", "error": str(error)}
        finally:
            self.busy.pop()
        return {"Payload": io.BytesIO(json.dumps(answer).encode("utf-8"))}

    def _answer(self, event: dict[str, Any]) -> dict[str, Any]:
        match event["operation"]:
            case "anchor":
                anchor = anchor_snapshot(self._account, self._names, event["snapshot"])
                return {"anchor": anchor.model_dump(mode="json")}
            case "forget-anchors":
                return {"forgotten": forget_anchors(self._account, self._names)}
            case "begin-deployment":
                begin_deployment(self._account, self._names, Beginning.model_validate(event["beginning"]))
                return {}
            case "create-key":
                create_key(self._account, self._names)
                return {}
        raise AssertionError(event)
