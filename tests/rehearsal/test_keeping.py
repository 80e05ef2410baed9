"""Another terminal reaches a local AWS that is kept by a file that only its owner can read."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

from rehearsal.keeping import _environment_file, shell_text

VARIABLES = {"AWS_ACCESS_KEY_ID": "key", "AWS_REGION": "eu-west-3", "HTTPS_PROXY": "http://127.0.0.1:1", "TMPDIR": "/t"}


def test_a_shell_that_reads_the_file_has_the_variables_and_no_profile(tmp_path: Path) -> None:
    odd = {**VARIABLES, "AWS_SECRET_ACCESS_KEY": 'a\'b $(touch x) "c"'}
    file = tmp_path / "env.sh"
    file.write_text(shell_text(odd), encoding="utf-8")
    shown = subprocess.run(
        ["sh", "-c", '. "$0" && env', str(file)],
        env={"PATH": os.defpath, "AWS_PROFILE": "mine", "AWS_SESSION_TOKEN": "old", "TMPDIR": "/own"},
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        check=True,
    ).stdout.splitlines()
    assert {f"{name}={value}" for name, value in {**odd, "TMPDIR": "/own"}.items()} <= set(shown)
    assert not [line for line in shown if line.startswith(("AWS_PROFILE=", "AWS_SESSION_TOKEN="))]
    assert not (tmp_path / "x").exists()


def test_the_file_is_private_and_removed_when_the_local_aws_ends(tmp_path: Path) -> None:
    file = tmp_path / "env.sh"
    file.write_text("of a rehearsal that was killed", encoding="utf-8")
    file.chmod(0o644)
    with _environment_file(file, VARIABLES) as written:
        assert stat.S_IMODE(written.stat().st_mode) == 0o600
        assert "export AWS_ACCESS_KEY_ID=key" in written.read_text(encoding="utf-8")
    assert not file.exists()
