"""Release of a checkout: the variables that `cdk synth` wrote to cdk.out, or the digests as JSON."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path

from stacks.assets.release import AUDIT_VARIABLE, audit_state, read_releases
from vectora_shared.errors import VectoraError

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    parser = ArgumentParser(description=__doc__, epilog='Example: eval "$(.venv/bin/python tools/release.py)"')
    parser.add_argument("--synthesize", action="store_true", help="print the digests of this checkout as JSON")
    try:
        print(_json() if parser.parse_args().synthesize else _exports())
    except VectoraError as error:
        sys.exit(str(error))


def _exports() -> str:
    assembly = ROOT / "cdk.out"
    variables = {**read_releases(assembly).variables(), AUDIT_VARIABLE: audit_state(assembly)}
    return "export " + " ".join(f"{name}={value}" for name, value in variables.items())


def _json() -> str:
    from stacks.synthesis import synthesized_releases  # here, because the variables do without Node.js

    return json.dumps(asdict(synthesized_releases(ROOT)))


if __name__ == "__main__":
    main()
