"""Command of `make templates` that writes the golden templates, for review in the commit."""

from __future__ import annotations

import shutil
from pathlib import Path

from stacks.synthesis import Template
from tools.templates import (
    GOLDEN_FOLDER,
    ROOT,
    golden_accounts_path,
    golden_backup_path,
    golden_path,
    golden_pipeline_path,
    golden_text,
    synthesize,
    synthesize_pipeline,
    synthesize_with_accounts,
    synthesize_with_backup,
)
from vectora_ops.settings import ENVIRONMENT_NAMES


def main() -> None:
    shutil.rmtree(GOLDEN_FOLDER, ignore_errors=True)
    for env in ENVIRONMENT_NAMES:
        for layer, template in synthesize(env).items():
            write(golden_path(env, layer), template)
    for name, template in synthesize_with_backup().items():
        write(golden_backup_path(name), template)
    for name, template in synthesize_with_accounts().items():
        write(golden_accounts_path(name), template)
    write(golden_pipeline_path(), synthesize_pipeline())


def write(path: Path, template: Template) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(golden_text(template), encoding="utf-8")
    print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
