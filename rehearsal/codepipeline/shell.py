"""The bash script of a build: all commands run in one shell, so that exported variables persist."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rehearsal.codepipeline.buildspec import Buildspec, Phase

# The prefix __cb_ keeps these names apart from variables of a buildspec.
PROLOGUE = """\
__cb_report() { printf '%s\\t%s\\t%s\\n' "$1" "$2" "$3" >> "$__cb_reports"; }
__cb_export() {
  : > "$__cb_exports"
  local name
  for name in $__cb_exported; do printf '%s=%s\\0' "$name" "${!name-}" >> "$__cb_exports"; done
}
__cb_phase=
__cb_leave() {
  local status=$?
  if [ -n "$__cb_phase" ]; then __cb_report "$__cb_phase" exited "$status"; fi
  __cb_export
}
trap __cb_leave EXIT
export CODEBUILD_BUILD_SUCCEEDING=1
__cb_abort=
"""
COMMAND = """\
if [ -z "$__cb_failed" ]; then
  echo {announcement}
  eval {command}
  __cb_status=$?
  if [ "$__cb_status" -ne 0 ]; then __cb_failed={number}; __cb_report {phase} {number} "$__cb_status"; fi
fi
"""


@dataclass(frozen=True)
class Failure:
    """A command that failed with `status`; `command` is None when a command ended the shell itself."""

    phase: str
    command: str | None
    status: int


def script(buildspec: Buildspec, reports: Path, exports: Path) -> str:
    """Return the build's script, which writes failures to `reports` and exported variables to `exports`."""
    settings = (
        f"__cb_reports={shlex.quote(str(reports))}\n__cb_exports={shlex.quote(str(exports))}\n"
        f"__cb_exported={shlex.quote(' '.join(buildspec.exported))}\n"
    )
    return settings + PROLOGUE + "".join(_phase(phase) for phase in buildspec.phases) + "__cb_phase=\n"


def _phase(phase: Phase) -> str:
    begin = f'if [ -z "$__cb_abort" ]; then\n__cb_phase={phase.name}; __cb_failed=\n'
    commands = "".join(_command(phase.name, number, text) for number, text in enumerate(phase.commands))
    first_final = len(phase.commands)
    finals = "".join(
        "__cb_kept=$__cb_failed; __cb_failed=\n"
        + _command(phase.name, first_final + number, text)
        + '__cb_failed="${__cb_kept:-$__cb_failed}"\n'
        for number, text in enumerate(phase.finally_commands)
    )
    return begin + commands + finals + _consequence(phase) + "fi\n"


def _consequence(phase: Phase) -> str:
    """Return the end of a phase: post_build still runs after a failed build phase; all other failures end the build."""
    goes_on = phase.on_failure == "CONTINUE" or (phase.on_failure is None and phase.name in ("build", "post_build"))
    abort = "" if goes_on else "__cb_abort=1; "
    return f'if [ -n "$__cb_failed" ]; then export CODEBUILD_BUILD_SUCCEEDING=0; {abort}fi\n__cb_phase=\n'


def _command(phase: str, number: int, text: str) -> str:
    announcement = shlex.quote(f"[Container] Running command {text}")
    return COMMAND.format(announcement=announcement, command=shlex.quote(text), number=number, phase=phase)


def failures(buildspec: Buildspec, reports: Path) -> list[Failure]:
    """Return the failures in order, including those of phases that continue after a failure."""
    commands = {phase.name: (*phase.commands, *phase.finally_commands) for phase in buildspec.phases}
    lines = reports.read_text(encoding="utf-8").splitlines() if reports.exists() else []
    return [_failure(commands, *line.split("\t")) for line in lines]


def _failure(commands: dict[str, tuple[str, ...]], phase: str, which: str, status: str) -> Failure:
    command = commands[phase][int(which)] if which.isdigit() else None
    return Failure(phase, command, int(status))


def exported(exports: Path, names: Sequence[str]) -> dict[str, str]:
    """Return the values of exported variables at the build's end."""
    text = exports.read_text(encoding="utf-8") if exports.exists() else ""
    values = dict(entry.split("=", 1) for entry in text.split("\0") if entry)
    return {name: values.get(name, "") for name in names}
