"""Logs of functions: messages of this project at the configured level, and no debug messages of the SDK."""

from __future__ import annotations

import logging

import pytest

from vectora_shared.runtime import respond


def test_only_messages_of_this_project_are_logged_at_debug(monkeypatch: pytest.MonkeyPatch) -> None:
    before = logging.getLogger().level
    monkeypatch.setenv("LOG_LEVEL", "DEBUG")
    try:
        respond(dict)
        assert logging.getLogger("vectora").isEnabledFor(logging.DEBUG)
        assert not logging.getLogger("botocore.auth").isEnabledFor(logging.DEBUG)
        assert logging.getLogger().level == before
    finally:
        logging.getLogger("vectora").setLevel(logging.NOTSET)
