"""References to variables, of the form #{namespace.name}, in configurations."""

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
    """Yield namespace and name of every reference."""
    for text in configuration.values():
        yield from REFERENCE.findall(text)


def malformed(configuration: Mapping[str, str]) -> str | None:
    """Return the first #{...} that is not a valid reference."""
    found = (each for text in configuration.values() for each in BEGINNING.findall(text))
    return next((each for each in found if not REFERENCE.fullmatch(each)), None)


def resolve(configuration: Mapping[str, str], namespaces: Namespaces) -> dict[str, str]:
    """Return the configuration with values for references; raise ActionFailedError for a variable without a value."""

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
