"""Gate `client-versions`: the version of a client's file only moves forward."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from vectora_ops.promotion.environment_runs import ClientFile
from vectora_ops.promotion.verdicts import Verdict
from vectora_shared.keys import client_key


@dataclass(frozen=True, kw_only=True)
class ClientProblem:
    """The reason why a client's file may not go on, and the command that helps once it is in the checkout."""

    reason: str
    command: str | None = None


def client_versions_verdict(
    source: str, target: str, here: Mapping[str, ClientFile], there: Mapping[str, ClientFile]
) -> Verdict:
    """Return the verdict on the client files of `source`, which replace those of `target`."""
    numbers: dict[str, float | str | None] = {
        client_id: f"{_version(there.get(client_id))} -> {_version(here.get(client_id))}"
        for client_id in sorted({*here, *there})
    }
    problems = tuple(_problems(source, target, here, there))
    if problems:
        return Verdict(
            gate="client-versions",
            outcome="fail",
            reason="; ".join(problem.reason for problem in problems),
            numbers=numbers,
            command=problems[0].command,
        )
    moved = [
        f"{client_id} {versions}" for client_id, versions in numbers.items() if here[client_id] != there.get(client_id)
    ]
    reason = f"client versions move forward ({', '.join(moved)})" if moved else "client files are the same"
    return Verdict(gate="client-versions", outcome="pass", reason=reason, numbers=numbers)


def _problems(
    source: str, target: str, here: Mapping[str, ClientFile], there: Mapping[str, ClientFile]
) -> Iterator[ClientProblem]:
    for client_id, file in sorted(there.items()):
        ours = here.get(client_id)
        if ours is None:
            yield ClientProblem(
                reason=f"{client_id} is in {target} ({file.version}) and not in {source}: release config/"
                f"{client_key(client_id)} again, with active: false if it shall make no newsletter"
            )
        elif ours.sha256 != file.sha256 and semantic(ours.version) <= semantic(file.version):
            how = "another content under the same version" if ours.version == file.version else "an older version"
            command = bump_command(client_id)
            yield ClientProblem(
                reason=f"{client_id} is {ours.version} in {source} and {file.version} in {target}: {how}; bring the "
                f"changes of {target} into config/{client_key(client_id)}, raise its version above {file.version} "
                f"({command}) and release it",
                command=command,
            )


def bump_command(client_id: str) -> str:
    return f"./vectora client bump {client_id} -m REASON"


def _version(file: ClientFile | None) -> str:
    return file.version if file else "none"


def semantic(version: str) -> tuple[int, ...]:
    parts = version.split(".")
    return tuple(int(part) for part in parts) if all(part.isdigit() for part in parts) else (-1,)
