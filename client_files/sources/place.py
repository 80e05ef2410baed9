"""Places in the catalogue that a source's message is about."""

from __future__ import annotations

import re

from vectora_shared.config.configuration import SOURCES_KEY
from vectora_shared.config.content import Content
from vectora_shared.config.wording import Path
from vectora_shared.config.yaml_file import parse_yaml

_PLACE = re.compile(r"The source's (mapping(?:\.\w+)+)")


def located(message: str, source_key: str, content: Content) -> str:
    """Return the message with file, line and column of the key of the mapping that it names, if it names one."""
    named = _PLACE.search(message)
    if named is None:
        return message
    file = parse_yaml(SOURCES_KEY, content.read(SOURCES_KEY))
    keys = [source.get("source_key") for source in file.data["sources"]]
    path: Path = ("sources", keys.index(source_key), *named[1].split("."))
    line, column = file.position_of(path)
    return f"{SOURCES_KEY}, line {line}, column {column}: {message}"
