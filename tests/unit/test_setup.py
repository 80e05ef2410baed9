"""Set-up of environments: by uv with pip's indexes, and only what the locks say."""

from __future__ import annotations

import pytest

from tests.repository import ROOT
from tools.setup import Progress, locked_requirement, uv_settings

PIP_SETTINGS = """global.extra-index-url='file:///one/simple file:///two/simple'
global.find-links='/wheels'
global.index-url='https://index.example/simple'
:env:.cert='/certificates.crt'
:env:.default-timeout='180'
"""


def test_uv_gets_the_indexes_that_pip_uses() -> None:
    assert uv_settings(PIP_SETTINGS, {}) == {
        "UV_DEFAULT_INDEX": "https://index.example/simple",
        "UV_INDEX": "file:///one/simple file:///two/simple",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_FIND_LINKS": "/wheels",
        "SSL_CERT_FILE": "/certificates.crt",
    }


def test_settings_that_are_made_for_uv_stay() -> None:
    assert "UV_DEFAULT_INDEX" not in uv_settings(PIP_SETTINGS, {"UV_DEFAULT_INDEX": "https://mirror.example/simple"})


def test_without_settings_of_pip_uv_uses_its_own() -> None:
    assert uv_settings("", {}) == {}


def test_uv_itself_is_installed_by_the_hashes_of_the_lock() -> None:
    locked = locked_requirement("uv", (ROOT / "requirements-dev.txt").read_text(encoding="utf-8"))

    assert locked is not None
    first, *hashes = locked.rstrip().splitlines()
    assert first.startswith("uv==")
    assert hashes
    assert all(line.strip().startswith("--hash=sha256:") for line in hashes)


def test_a_package_that_is_not_locked_is_not_found() -> None:
    assert locked_requirement("uv", "uvicorn==1.0 \\\n    --hash=sha256:00\n") is None


def test_progress_counts_its_steps(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(steps=2)
    progress.step("first")
    progress.step("second")

    assert capsys.readouterr().out == "[1/2] first ...\n[2/2] second ...\n"
