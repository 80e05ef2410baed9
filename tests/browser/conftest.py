from __future__ import annotations

from tests.browser.browser import network

__all__ = ["network"]
