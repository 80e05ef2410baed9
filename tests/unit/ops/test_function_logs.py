"""Functions log at the configured level what is ours, and nothing of what the SDK would tell at DEBUG."""

from __future__ import annotations

import logging

import pytest

from vectora_shared.runtime import respond


def test_debug_is_for_our_own_messages_only(monkeypatch: pytest.MonkeyPatch) -> None:
    before = logging.getLogger().level
    monkeypatch.setenv("LOG_LEVEL", "DEBUG")
    try:
        respond(dict)
        assert logging.getLogger("vectora").isEnabledFor(logging.DEBUG)
        assert not logging.getLogger("botocore.auth").isEnabledFor(logging.DEBUG)
        assert logging.getLogger().level == before
    finally:
        logging.getLogger("vectora").setLevel(logging.NOTSET)
