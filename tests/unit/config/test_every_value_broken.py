"""Each value of each configuration file, broken in turn, is reported with file, line and key, and never published."""

from __future__ import annotations

import io
import re
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from tests.unit.config.broken import Broken, broken_files
from tests.unit.conftest import MemoryS3
from vectora_shared.config.canonical import Prompt
from vectora_shared.config.client import ClientConfig
from vectora_shared.config.configuration import CANONICAL_FILES, DOMAIN_SCOPES
from vectora_shared.config.content import FolderContent
from vectora_shared.config.publication import publish
from vectora_shared.config.wording import Path as KeyPath
from vectora_shared.config.wording import dotted
from vectora_shared.config.yaml_file import parse_yaml
from vectora_shared.errors import ConfigurationError

CONFIG = Path(__file__).parents[3] / "config"
CLIENT = "clients/lai_weekly.yaml"
# Paths of names that another file must define, by file; * stands for any key or index.
REFERENCES: dict[str, set[KeyPath]] = {
    CLIENT: {
        ("pipeline", "analysis_prompt"),
        *(("watch_domains", "*", field) for field in DOMAIN_SCOPES),
        ("watch_domains", "*", "exclusion_scopes", "*"),
        ("source_config", "source_bouquets_enabled", "*"),
        ("source_config", "sources_extra_enabled", "*"),
        ("scoring_config", "client_specific_bonuses", "*", "scope"),
        ("newsletter_selection", "critical_event_types", "*"),
        ("newsletter_layout", "sections", "*", "filter_event_types", "*"),
        ("newsletter_layout", "sections", "*", "sort_by"),
        ("client_profile", "frequency"),
        ("client_profile", "client_id"),
    },
    "canonical/sources/source_catalog.yaml": {
        ("bouquets", "*", "source_keys", "*"),
        ("sources", "*", "source_type"),
        ("sources", "*", "ingestion_mode"),
    },
    "canonical/scoring/scoring.yaml": {("bonuses", "scopes", "*", "scope")},
    **{
        f"canonical/scopes/{kind}.yaml": {("scopes", "*", "includes", "*"), ("case_sensitive", "*")}
        for kind in ("companies", "molecules", "trademarks", "indications")
    },
    "canonical/scopes/technologies.yaml": {("scopes", "*", "case_sensitive", "*")},
}
FILES: dict[str, type[BaseModel]] = {
    CLIENT: ClientConfig,
    **CANONICAL_FILES,
    "canonical/prompts/lai_analysis.yaml": Prompt,
}


def _document(key: str) -> dict[str, Any]:
    document: dict[str, Any] = parse_yaml(key, (CONFIG / key).read_bytes()).data
    return {name: _plain(value) for name, value in document.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    return [_plain(entry) for entry in value] if isinstance(value, tuple) else value


CONTENT = {
    key: (CONFIG / key).read_bytes()
    for prefix in ("canonical/", "clients/")
    for key in FolderContent(CONFIG).keys(prefix)
}


def _archive(key: str, text: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for other, body in {**CONTENT, key: text.encode("utf-8")}.items():
            archive.writestr(other, body)
    return file.getvalue()


@pytest.mark.parametrize("key", FILES)
def test_every_broken_value_is_reported_with_file_line_and_key_and_not_published(key: str) -> None:
    ways: Counter[str] = Counter()
    for broken in broken_files(_document(key), FILES[key], REFERENCES.get(key, set())):
        ways[broken.way] += 1
        s3 = MemoryS3()
        with pytest.raises(ConfigurationError) as caught:
            publish(s3, archive=_archive(key, broken.text), digest="d", bucket="config")  # type: ignore[arg-type]
        assert s3.puts == []
        found = _matching_message(str(caught.value), key, broken)
        assert found, f"{broken}: no message names it, but: {caught.value}"
    assert set(ways) >= {"missing", "wrong type", "duplicate"}


def _matching_message(message: str, key: str, broken: Broken) -> str | None:
    """Return the message that names the file, the key (or one around or below it) and the line of such a key."""
    around = {dotted(broken.path[:length]) for length in range(1, len(broken.path) + 1)}
    lines = {broken.line, *_lines_below(key, broken)}
    for sentence in message.splitlines():
        found = re.match(
            rf"{re.escape(key)}, line (\d+), column \d+: key '(.*?)' (?:has|is|stands|names|gives|must|goes|lacks)\b",
            sentence,
        )
        if found and (found[2] in around or found[2].startswith(dotted(broken.path))) and int(found[1]) in lines:
            return sentence
    return None


def _lines_below(key: str, broken: Broken) -> set[int]:
    if broken.way == "duplicate" and isinstance(broken.path[-1], str):
        return set()
    positions = parse_yaml(key, broken.text.encode("utf-8")).positions
    return {place.line for path, place in positions.items() if path[: len(broken.path)] == broken.path}
