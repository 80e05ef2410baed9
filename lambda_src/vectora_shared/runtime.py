"""Environment variables, events and responses of the Lambda functions, and their log level."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from vectora_shared.aws_texts import redacted
from vectora_shared.errors import InvalidEventError, VectoraError

logger = logging.getLogger("vectora")


class Event(BaseModel):
    """An invocation's event; unknown keys are ignored, as EventBridge Scheduler adds some."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)


EventT = TypeVar("EventT", bound=Event)
Response = dict[str, Any]


def environment(name: str, default: str | None = None) -> str:
    """Return an environment variable; raise VectoraError when it is missing and has no default."""
    value = os.environ.get(name, default)
    if not value:
        raise VectoraError(f"Environment variable {name} is missing: set it on the function (its stack does).")
    return value


def parse_event(model: type[EventT], event: Any) -> EventT:
    """Return the event as `model`; raise InvalidEventError naming each wrong key."""
    try:
        return model.model_validate(event or {})
    except ValidationError as error:
        problems = (f"'{'.'.join(map(str, detail['loc']))}': {detail['msg']}" for detail in error.errors())
        raise InvalidEventError(f"The event does not fit: {'; '.join(problems)}.") from error


def set_log_level() -> None:
    """Apply LOG_LEVEL to our own messages only: at DEBUG, botocore's contain session tokens."""
    logger.setLevel(os.environ.get("LOG_LEVEL", "INFO"))
    if not any(isinstance(each, _WithoutSecrets) for each in logger.filters):
        logger.addFilter(_WithoutSecrets())


class _WithoutSecrets(logging.Filter):
    """Filter that redacts messages and tracebacks: exceptions of urllib and botocore may name a signed URL."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redacted(record.getMessage()), None
        if record.exc_info:
            record.exc_text = redacted(logging.Formatter().formatException(record.exc_info))
            record.exc_info = None
        return True


def respond(run: Callable[[], dict[str, Any]]) -> Response:
    """Run, and return the response of the contract: 200 with the result, 400 for a bad event, 500 for a failed run."""
    set_log_level()
    try:
        return {"statusCode": 200, "body": run()}
    except InvalidEventError as error:
        logger.warning("%s", error)
        return {"statusCode": 400, "body": {"error": str(error)}}
    except VectoraError as error:
        logger.error("%s", error)
        return {"statusCode": 500, "body": {"error": str(error)}}
    except Exception as error:
        logger.exception("The run failed unexpectedly")
        return {"statusCode": 500, "body": {"error": f"{type(error).__name__}: {error}"}}
