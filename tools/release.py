"""What this commit is as a release, as shell variables for the pipeline's build."""

from __future__ import annotations

from tools.templates import ROOT
from vectora_ops.release import release_of


def main() -> None:
    release = release_of(ROOT)
    print(f"export RELEASE_DIGEST={release.digest} RELEASE_VERSION={release.version}")


if __name__ == "__main__":
    main()
