"""Lines of the embedded metric format, read as CloudWatch Logs reads them."""

from __future__ import annotations

import json
from typing import Any

# CloudWatch user guide, "Specification: embedded metric format": lengths and counts of the schema.
LONGEST_NAME, MOST_METRICS, MOST_DIMENSIONS = 1024, 100, 30
LONGEST_LINE = 256 * 1024


def extracted(line: str) -> dict[str, Any]:
    """Return namespace, dimensions, metrics and the other members of a line; assert that it fits the specification."""
    # A prefix, such as a logger's, makes the line no document: nothing is extracted.
    document = json.loads(line)
    assert len(line.encode()) <= LONGEST_LINE
    metadata = document.pop("_aws")
    assert isinstance(metadata["Timestamp"], int)
    (directive,) = metadata["CloudWatchMetrics"]
    (dimensions,) = directive["Dimensions"]
    named = [each["Name"] for each in directive["Metrics"]]
    assert 0 < len(named) <= MOST_METRICS
    assert len(dimensions) <= MOST_DIMENSIONS
    assert all(0 < len(name) <= LONGEST_NAME for name in (*named, *dimensions, directive["Namespace"]))
    metrics = {name: document.pop(name) for name in named}
    assert all(type(value) in (int, float) for value in metrics.values())
    values = {name: document.pop(name) for name in dimensions}
    assert all(isinstance(value, str) for value in values.values())
    return {
        "namespace": directive["Namespace"],
        "dimensions": values,
        "metrics": metrics,
        "properties": document,
        "units": {each["Name"]: each["Unit"] for each in directive["Metrics"]},
    }
