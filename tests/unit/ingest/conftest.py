"""Address policy for tests with servers on loopback: the public web and that one address."""

from __future__ import annotations

import pytest

from vectora_core.text.addresses import Destination, PublicWeb


class _PublicWebAndLoopback(PublicWeb):
    def require(self, target: Destination) -> None:
        if target.host != "127.0.0.1":
            super().require(target)

    def addresses(self, host: str, port: int) -> list[str]:
        return [host] if host == "127.0.0.1" else super().addresses(host, port)


@pytest.fixture
def loopback() -> PublicWeb:
    return _PublicWebAndLoopback()
