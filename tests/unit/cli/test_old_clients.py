"""Client files of the running system in a config bucket, and the commands that migrate them."""

from __future__ import annotations

import pytest

from cli.old_clients import is_old_form, lines_on_old_clients
from tests.repository import ROOT

OLD = b"client_profile: {client_id: lai_weekly_v6, active: true}\nwatch_domains: []\n"
CURRENT = (ROOT / "config" / "clients" / "lai_weekly.yaml").read_bytes()


@pytest.mark.parametrize(
    ("body", "expected"),
    [(OLD, True), (CURRENT, False), (b"[1, 2]\n", False), (b"notes: none\n", False), (b"a: [\n", False)],
    ids=["old", "current", "list", "no client", "no YAML"],
)
def test_an_old_form_is_a_client_that_is_not_of_the_current_form(body: bytes, expected: bool) -> None:
    assert is_old_form("clients/a.yaml", body) is expected


def test_the_files_of_one_client_get_one_command() -> None:
    lines = list(lines_on_old_clients("dev", "config-dev", ["lai_weekly_v6", "other", "lai_weekly_v4"]))
    assert [line.strip() for line in lines if "migrate " in line and "./" in line] == [
        "./vectora client migrate old/lai_weekly_v4.yaml old/lai_weekly_v6.yaml --env dev --move-data",
        "./vectora client migrate old/other.yaml --env dev --move-data",
    ]
    assert "aws s3 cp s3://config-dev/clients/ old/ --recursive" in lines[1]


def test_a_name_that_is_a_shell_command_is_quoted() -> None:
    command = list(lines_on_old_clients("dev", "config-dev", ["a; rm -rf x"]))[-1]
    assert "'old/a; rm -rf x.yaml'" in command
