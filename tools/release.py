"""Release of this commit, as shell variables for the pipeline's build."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "lambda_src"))

from stacks.assets.release import release_of  # noqa: E402


def main() -> None:
    release = release_of(ROOT)
    print(f"export RELEASE_DIGEST={release.digest} RELEASE_VERSION={release.version}")


if __name__ == "__main__":
    main()
