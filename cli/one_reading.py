"""Reading of accounts at one moment: several readers that ask AWS the same share one answer."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.response import StreamingBody
from urllib3.exceptions import HTTPError

from vectora_ops.account import READS, Account
from vectora_shared.aws import INCOMPLETE_BODY_ERRORS

if TYPE_CHECKING:
    import boto3

Answer = TypeVar("Answer")


class Shared:
    """Answers by question; of several threads with the same one, the first gets the answer and the others wait.

    An error goes to all that wait, and is forgotten: what does not exist yet may exist a moment later.
    """

    def __init__(self) -> None:
        self._known: dict[Hashable, Future[Any]] = {}
        self._lock = Lock()

    def answer(self, question: Hashable, ask: Callable[[], Answer]) -> Answer:
        """Return the answer that is known, otherwise what `ask` returns."""
        with self._lock:
            known = self._known.get(question)
            future: Future[Any] = known or self._known.setdefault(question, Future())
        if known is not None:
            found: Answer = known.result()
            return found
        try:
            answer = ask()
        except BaseException as error:
            with self._lock:
                self._known.pop(question, None)
            future.set_exception(error)
            raise
        future.set_result(answer)
        return answer


def opening_once(opens: Callable[[str], Account]) -> Callable[[str], Account]:
    """Return `opens` for readers of one moment: each account is opened once, and asked nothing twice."""
    opened = Shared()

    def opens_shared(where: str) -> Account:
        def opens_new() -> Account:
            account = opens(where)
            share_answers(account.session)
            return account

        return opened.answer(where, opens_new)

    return opens_shared


def share_answers(session: boto3.Session) -> None:
    """Make each client that the session makes from now on ask AWS nothing twice; changes are always sent."""
    # Documented by boto3 for this purpose ("Extensibility guide").
    session.events.register("creating-client-class", _put_sharing_first)


def _put_sharing_first(base_classes: list[type], **_: Any) -> None:
    base_classes.insert(0, _SharingClient)


class _SharingClient:
    """Base class of clients, before botocore's own."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._shared = Shared()

    def _make_api_call(self, operation_name: str, api_params: dict[str, Any]) -> dict[str, Any]:
        # Each operation and each page of a listing comes here (botocore/client.py).
        calls: Any = super()

        def ask() -> dict[str, Any]:
            answer: dict[str, Any] = calls._make_api_call(operation_name, api_params)
            return answer

        if not operation_name.startswith(READS):
            return ask()
        question = json.dumps([operation_name, api_params], sort_keys=True, default=repr)
        return _own_copy(self._shared.answer(question, lambda: _with_whole_body(ask())))


def _with_whole_body(answer: dict[str, Any]) -> dict[str, Any]:
    """Return the answer with bytes instead of a stream, which one reader only could read."""
    if not hasattr(answer.get("Body"), "read"):
        return answer
    try:
        return {**answer, "Body": answer["Body"].read()}
    except INCOMPLETE_BODY_ERRORS as error:
        # An error of the request, which `read_object` repeats: nothing of the answer is kept.
        raise HTTPError(str(error)) from error


def _own_copy(answer: dict[str, Any]) -> dict[str, Any]:
    body = answer.get("Body")
    return {**answer, "Body": StreamingBody(io.BytesIO(body), len(body))} if isinstance(body, bytes) else {**answer}
