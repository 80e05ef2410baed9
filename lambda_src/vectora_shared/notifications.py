"""Text of notifications: what happened and since when, the commands to run next, and the runbook."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from vectora_shared.aws_texts import LONGEST_NOTIFICATION, cut, plain, subject

# Of a message; the rest is for the commands and the runbook, which come after it.
LONGEST_DESCRIPTION = LONGEST_NOTIFICATION // 2


@dataclass(frozen=True, kw_only=True)
class Notification:
    """A message to the operators of an environment.

    `what` is the subject's clause. `happened` says in sentences what happened, with the environment in it, and `since`
    when it began. `details` are further lines. `commands` are complete command lines in the order to run them;
    `runbook` is a page of the repository.
    """

    what: str
    happened: str
    commands: tuple[str, ...]
    runbook: str
    since: datetime | None = None
    details: tuple[str, ...] = ()

    def subject(self, about: str) -> str:
        """Return the subject as SNS accepts it (API reference, Publish): ASCII, of less than 100 characters."""
        return subject(f"{about}: {self.what}")

    @property
    def message(self) -> str:
        """The message, of a line for each part: a mail shows a command in a line of its own, ready to copy.

        Every part is made one line, because untrusted content in it must not look like a command.
        """
        since = f"Since: {self.since.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if self.since else ""
        words = ("Run next:", *("then:" for _ in self.commands[1:]))
        commands = (f"{word} {plain(each)}" for word, each in zip(words, self.commands, strict=False))
        details = "\n".join(f"  {plain(each)}" for each in self.details)
        happened = cut("\n".join(filter(None, (plain(self.happened), details))), LONGEST_DESCRIPTION)
        lines = (happened, since, *commands, f"Runbook: {self.runbook}")
        return cut("\n".join(filter(None, lines)), LONGEST_NOTIFICATION)
