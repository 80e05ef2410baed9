"""A local AWS that stays up after a rehearsal, and the file with which another terminal reaches it."""

from __future__ import annotations

import contextlib
import os
import shlex
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from rehearsal.deployment import HOST_PLATFORM
from rehearsal.waiting import display_path

if TYPE_CHECKING:
    from rehearsal.delivery import Delivery
    from terminal.console import Terminal

FILE = "env.sh"
# The emulator's temporary folder; a terminal keeps its own.
NOT_EXPORTED = ("TMPDIR",)
# They have priority over the exported credentials (AWS CLI user guide, "Configuration and credential precedence").
UNSET = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN")


def keep_running(console: Terminal, delivery: Delivery, results: Path) -> None:
    """Print how to use the local AWS, and return after an interrupt."""
    with _environment_file(results / FILE, delivery.tools_environment()) as file:
        console.print("\nThe local AWS keeps running. In another terminal, in this folder:")
        console.say(f"  . {display_path(file, Path.cwd())}")
        console.say(
            "Then: ./vectora status | ./vectora promote explain --to prod | aws s3 ls | "
            f"aws codepipeline get-pipeline-state --name {delivery.pipeline}"
        )
        if delivery.accounts:
            console.say(
                f"Run ./vectora and cdk in {delivery.checkout}, whose configuration names the accounts and profiles."
            )
        console.say(f"The CDK needs --context {HOST_PLATFORM} here, because functions run on this machine's Python.")
        console.say(
            f"To read the model's behaviour: curl --noproxy '*' --cacert {delivery.emulator.ca_bundle} "
            f"{delivery.model.control} (PUT sets it)"
        )
        console.say(f"To end it: Ctrl-C here, or kill {os.getpid()}.")
        # An interrupt is the normal end here.
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()
    console.print("Ended. All processes were ended, and their files removed.")


@contextlib.contextmanager
def _environment_file(file: Path, variables: Mapping[str, str]) -> Iterator[Path]:
    """Keep the variables in a file that only its owner may read, while the context is entered."""
    file.unlink(missing_ok=True)
    with open(file, "x", encoding="utf-8", opener=_private) as output:
        output.write(shell_text(variables))
    try:
        yield file
    finally:
        file.unlink(missing_ok=True)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def shell_text(variables: Mapping[str, str]) -> str:
    """Return a script for POSIX shells that sets the variables, and removes those that would override them."""
    lines = ["# The local AWS of a rehearsal that was started with --keep. The file is removed when that one ends."]
    lines += [f"unset {' '.join(UNSET)}"]
    lines += [f"export {name}={shlex.quote(variables[name])}" for name in sorted(variables) if name not in NOT_EXPORTED]
    return "\n".join(lines) + "\n"
