"""Table of `./vectora` for shell completion: options, and the words that each option and argument takes."""

from __future__ import annotations

import json
from typing import Any, get_args

import typer.main

from cli.__main__ import app
from cli.complete import CLIENTS, SOURCES
from cli.options import LATEST
from cli.shell_completion import SCRIPTS
from client_files.preview.letter import RENDERERS
from vectora_ops.promotion.gates import BYPASSABLE_GATES
from vectora_ops.settings import ENVIRONMENT_NAMES
from vectora_ops.snapshots.manifest import COMPONENTS
from vectora_shared.config.sources import SOURCE_TYPES, IngestionMode

COMPLETION_TABLE = "cli/completion_table.json"
# By the name of the option or of the parameter; a value that is not here may be anything.
WORDS: dict[str, tuple[str, ...]] = {
    "--components": COMPONENTS,
    "--day": (LATEST,),
    "--env": ENVIRONMENT_NAMES,
    "--format": (*RENDERERS, "eml", "json"),
    "--from": ENVIRONMENT_NAMES,
    "--gate": BYPASSABLE_GATES,
    "--mode": get_args(IngestionMode),
    "--resume": (LATEST,),
    "--snapshot": (LATEST,),
    "--source": (SOURCES,),
    "--to": ENVIRONMENT_NAMES,
    "--type": SOURCE_TYPES,
    "client": (CLIENTS,),
    "first": (LATEST,),
    "name": (LATEST,),
    "second": (LATEST,),
    "shell": tuple(SCRIPTS),
}


def completion_table() -> str:
    """Return the table as a JSON document."""
    return json.dumps(_node(typer.main.get_command(app)), indent=1) + "\n"


def _node(command: Any) -> dict[str, Any]:
    options = {
        name: None if parameter.is_flag else list(WORDS.get(name, ()))
        for parameter in command.params
        if parameter.opts[0].startswith("-")
        for name in parameter.opts
    }
    options |= {"--help": None}
    if hasattr(command, "commands"):
        return {"options": options, "commands": {name: _node(each) for name, each in command.commands.items()}}
    arguments = [list(WORDS.get(each.name, ())) for each in command.params if not each.opts[0].startswith("-")]
    return {"options": options, "arguments": arguments}
