"""Pages open in the browser of Windows in WSL, and in the default browser elsewhere."""

from __future__ import annotations

import webbrowser
from pathlib import Path

import pytest

from cli import browser
from cli.browser import KERNEL, WSL_OPENER, WSL_VARIABLE, is_wsl, open_page

LINUX = "Linux version 6.1.0-18-amd64 (debian-kernel@lists.debian.org)"
WSL = "Linux version 5.15.153.1-microsoft-standard-WSL2 (root@941d701f84f1)"


class Machine:
    """A machine with a kernel, a folder of programs, and a default browser that may be missing."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.programs, self.kernel, self.seen = folder / "bin", folder / "version", folder / "seen"
        self.has_browser = True
        self.addresses: list[str] = []
        self.programs.mkdir()
        self.kernel.write_text(LINUX, encoding="utf-8")
        monkeypatch.setenv("PATH", f"{self.programs}:/usr/bin:/bin")
        monkeypatch.delenv(WSL_VARIABLE, raising=False)
        monkeypatch.setattr(browser, "KERNEL", self.kernel)
        monkeypatch.setattr(webbrowser, "open", self._open)

    def _open(self, address: str) -> bool:
        self.addresses.append(address)
        return self.has_browser

    def install_opener(self, status: int = 0) -> None:
        program = self.programs / WSL_OPENER
        program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$#" "$@" > "{self.seen}"\nexit {status}\n', encoding="utf-8")
        program.chmod(0o755)

    @property
    def shown_by_windows(self) -> list[str]:
        return self.seen.read_text(encoding="utf-8").splitlines() if self.seen.exists() else []


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "my newsletters" / "lai_weekly 2026.html"
    path.parent.mkdir()
    path.write_text("<p>news</p>", encoding="utf-8")
    return path


def test_wsl_is_recognized_by_its_variable_and_by_its_kernel(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not is_wsl()
    machine.kernel.write_text(WSL, encoding="utf-8")
    assert is_wsl()
    machine.kernel.unlink()
    assert not is_wsl()
    monkeypatch.setenv(WSL_VARIABLE, "Debian")
    assert is_wsl()
    assert Path("/proc/version") == KERNEL


def test_in_wsl_the_browser_of_windows_gets_the_whole_path_as_one_argument(machine: Machine, page: Path) -> None:
    machine.kernel.write_text(WSL, encoding="utf-8")
    machine.install_opener()
    assert open_page(page)
    assert machine.shown_by_windows == ["1", str(page)]
    assert machine.addresses == []


def test_elsewhere_the_default_browser_shows_the_page_even_if_there_is_a_program_of_that_name(
    machine: Machine, page: Path
) -> None:
    machine.install_opener()
    assert open_page(page)
    assert machine.addresses == [page.as_uri()]
    assert machine.shown_by_windows == []


@pytest.mark.parametrize("status", [None, 1])
def test_without_a_working_opener_wsl_uses_its_own_browser(machine: Machine, page: Path, status: int | None) -> None:
    machine.kernel.write_text(WSL, encoding="utf-8")
    if status is not None:
        machine.install_opener(status)
    assert open_page(page)
    assert machine.addresses == [page.as_uri()]


def test_an_opener_that_is_no_program_is_no_error(machine: Machine, page: Path) -> None:
    machine.kernel.write_text(WSL, encoding="utf-8")
    broken = machine.programs / WSL_OPENER
    broken.write_bytes(b"\x7fELF no program")
    broken.chmod(0o755)
    machine.has_browser = False
    assert not open_page(page)
