"""Exit codes of `./vectora`: those of every command, and the answers that some commands give by theirs."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes; a script can branch on them without reading the output."""

    YES = 0
    ERROR = 1
    # Click's own code for unknown, missing and invalid options.
    USAGE = 2
    NO = 3
    WAITING = 4
    # 128 plus the number of SIGINT, as shells report it (POSIX, Shell Command Language, 2.8.2).
    INTERRUPTED = 130


MEANINGS: Mapping[ExitCode, str] = {
    ExitCode.YES: "The command did its work; the answer is yes.",
    ExitCode.ERROR: "It failed; the reason is on standard error.",
    ExitCode.USAGE: "It was called wrongly: an option is unknown, missing, invalid, or contradicts another one.",
    ExitCode.NO: "The answer is no. The help of the command says to which question.",
    ExitCode.WAITING: "The answer is no for now: nothing is wrong, and it changes with time.",
    ExitCode.INTERRUPTED: "It was interrupted (Ctrl-C).",
}

# When a command exits with an answer, by the words that call it; the others exit with the codes that all have.
ANSWERS: Mapping[str, Mapping[ExitCode, str]] = {
    "client promote": {
        ExitCode.NO: "a gate refuses the file",
        ExitCode.WAITING: "every gate that refuses it only waits, such as for a run",
    },
    "client validate": {ExitCode.NO: "a file is invalid or needs a new version"},
    "doctor": {ExitCode.NO: "a check fails"},
    "logs": {ExitCode.NO: "no line is found"},
    "promote approve": {ExitCode.NO: "nothing waits for an approval, or you wrote the commit"},
    "promote approve-change": {ExitCode.NO: "the execution needs no approval"},
    "promote explain": {
        ExitCode.NO: "a gate refuses the release",
        ExitCode.WAITING: "every gate that refuses it only waits, such as for the end of the soak",
    },
    "promote reject": {ExitCode.NO: "nothing waits for an approval"},
    "promote retry": {
        ExitCode.NO: "nothing failed, the environment is held, or CodePipeline cannot retry it",
        ExitCode.WAITING: "the stage is busy or waits for an approval",
    },
    "snapshot diff": {ExitCode.NO: "--fail is given and something differs"},
    "snapshot verify": {ExitCode.NO: "a problem is found"},
    "source check": {ExitCode.NO: "a source fails or has no entries"},
    "source try": {ExitCode.NO: "the address cannot be a source"},
}


def sentence_on_answers(words: str) -> str:
    """Return the sentence for the help of a command on the answers among its exit codes, empty when it has none."""
    parts = [f"with {code:d} if {when}" for code, when in ANSWERS.get(words, {}).items()]
    return f"Exits {', and '.join(parts)}." if parts else ""
