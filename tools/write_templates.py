"""`make templates`: writes the golden templates anew, for review like code."""

from __future__ import annotations

import shutil

from tools.templates import GOLDEN_FOLDER, golden_path, golden_text, synthesize
from vectora_ops.settings import ENVIRONMENT_NAMES


def main() -> None:
    shutil.rmtree(GOLDEN_FOLDER, ignore_errors=True)
    for env in ENVIRONMENT_NAMES:
        for layer, template in synthesize(env).items():
            path = golden_path(env, layer)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(golden_text(template), encoding="utf-8")
            print(path.relative_to(GOLDEN_FOLDER.parent.parent.parent))


if __name__ == "__main__":
    main()
