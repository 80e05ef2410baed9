"""References of the form #{namespace.name} in a configuration, found before a run and replaced during it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from rehearsal.codepipeline.errors import ActionFailedError

REFERENCE = re.compile(r"#\{([^{}.]*)\.([^{}]*)\}")
BEGINNING = re.compile(r"#\{[^{}]*\}")
# CodePipeline's own namespaces.
EXECUTION, PIPELINE = "codepipeline", "variables"
OWN = {EXECUTION: ("PipelineExecutionId",)}

Namespaces = Mapping[str, Mapping[str, str]]


def references(configuration: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Namespace and name of every reference."""
    for text in configuration.values():
        yield from REFERENCE.findall(text)


def malformed(configuration: Mapping[str, str]) -> str | None:
    """The first #{...} that is no reference."""
    found = (each for text in configuration.values() for each in BEGINNING.findall(text))
    return next((each for each in found if not REFERENCE.fullmatch(each)), None)


def resolve(configuration: Mapping[str, str], namespaces: Namespaces) -> dict[str, str]:
    """The configuration with values for references; raises ActionFailedError for a variable that nobody produced."""

    def value(match: re.Match[str]) -> str:
        namespace, name = match.groups()
        try:
            return namespaces[namespace][name]
        except KeyError:
            raise ActionFailedError(
                f"An action configuration variable could not be resolved: {match[0]} has no value in this execution.",
                "ActionConfigurationError",
            ) from None

    return {key: REFERENCE.sub(value, text) for key, text in configuration.items()}
