"""Comparison of a downloaded list of tracking parameters with the engine's own.

    .venv/bin/python -m tools.compare_link_rules query-stripping.json urlcleaner.go

Reads Firefox's query-stripping records, ClearURLs' rules and source files with quoted names (Brave's, miniflux's), and
prints each name that the engine would leave in a link. A person decides which of them track readers on every site, and
adds these to lambda_src/vectora_core/text/link_rules.py. Lists are compared, never copied: their licences differ.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lambda_src"))

from vectora_core.text.tracked_links import untracked

_LISTS = ("queryParams", "rules", "params", "stripList")
_QUOTED = re.compile(r"[\"']([A-Za-z_][\w.-]{1,40})[\"']")
_NAME = re.compile(r"[A-Za-z_][\w.-]{1,40}")


def names_in(text: str) -> set[str]:
    """Return the names of parameters in a list: of its JSON lists, or all quoted words of a source file."""
    try:
        document = json.loads(text)
    except ValueError:
        return set(_QUOTED.findall(text))
    return {name for name in _json_names(document) if _NAME.fullmatch(name)}


def _json_names(document: Any) -> Iterator[str]:
    if isinstance(document, list):
        for each in document:
            yield from _json_names(each)
    elif isinstance(document, dict):
        for key, value in document.items():
            if key in _LISTS and isinstance(value, list):
                yield from (name for name in value if isinstance(name, str))
            else:
                yield from _json_names(value)


def unknown(names: set[str]) -> list[str]:
    """Return the names that the engine leaves in an address."""
    return sorted(name for name in names if name in untracked(f"https://x.example/?{name}=Zz9"))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path, help="downloaded lists")
    for path in parser.parse_args(arguments).files:
        try:
            names = names_in(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            print(f"{path} cannot be read ({error}): give a downloaded list in UTF-8.", file=sys.stderr)
            return 1
        missing = unknown(names)
        print(f"{path.name}: {len(missing)} of {len(names)} names are not in the engine's rules.")
        for name in missing:
            print(f"  {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
