"""A page in Chromium, which reaches nothing but a proxy that records its requests."""

from __future__ import annotations

import http.server
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

# A limit that no test should reach.
HANGS_AFTER_SECONDS = 600
# Hosts that Chromium itself contacts. The proxy answers 404, and no test leads there.
MAKERS = re.compile(r"^\w+ (?:http://)?[\w.-]+\.(?:google|googleapis|gvt1|gstatic)\.com[/:]")


@dataclass
class Network:
    """A proxy, the only host that the browser can reach; it serves one page and records all requests."""

    page: bytes = b""
    requests: list[str] = field(default_factory=list)
    address: str = ""

    @property
    def unexpected(self) -> list[str]:
        """Requests other than for the page and its icon, and other than Chromium's own at every start."""
        expected = ("GET http://newsletter.test/", "GET http://newsletter.test/favicon.ico")
        return [each for each in self.requests if each not in expected and not MAKERS.search(each)]


@pytest.fixture
def network() -> Iterator[Network]:
    network = Network()

    class Proxy(http.server.BaseHTTPRequestHandler):
        def answer(self) -> None:
            network.requests.append(f"{self.command} {self.path}")
            found = self.path == "http://newsletter.test/"
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(network.page) if found else 0))
            self.end_headers()
            self.wfile.write(network.page if found else b"")

        do_GET = do_HEAD = do_POST = do_CONNECT = do_OPTIONS = answer  # noqa: N815

        def log_message(self, *_: Any) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        network.address = f"127.0.0.1:{server.server_port}"
        yield network
        server.shutdown()
        thread.join()


def _browser() -> str:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    assert found, "There is no Chromium: run `make test`, which installs it, or install it by hand."
    return found


def opened(
    network: Network,
    page: str,
    profile: Path,
    *,
    screenshot: Path | None = None,
    width: int = 700,
    dark: bool = False,
) -> str:
    """Return the document after all scripts of the page ran; the browser reaches only `network`."""
    network.page = page.encode("utf-8")
    network.requests.clear()
    command = [
        _browser(),
        "--headless=new",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        f"--user-data-dir={profile}",
        f"--proxy-server=http://{network.address}",
        "--proxy-bypass-list=<-loopback>",
        "--virtual-time-budget=3000",
        f"--window-size={width},4000",
        *(["--blink-settings=preferredColorScheme=0"] if dark else []),
        *(["--no-sandbox"] if os.geteuid() == 0 else []),
        f"--screenshot={screenshot}" if screenshot else "--dump-dom",
        "http://newsletter.test/",
    ]
    return subprocess.run(command, capture_output=True, check=True, timeout=HANGS_AFTER_SECONDS).stdout.decode(
        "utf-8", "replace"
    )
