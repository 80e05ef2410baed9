"""Command that checks licences, writes the bill of materials, and audits known vulnerabilities."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from datetime import UTC, datetime
from pathlib import Path

from stacks.assets.release import AUDIT_FILE
from stacks.assets.version import version_of
from tools.supply_chain.audit import audit, sentences
from tools.supply_chain.bill import bill_of_materials
from tools.supply_chain.inventory import inventory
from tools.supply_chain.licences import licence_problems
from tools.supply_chain.settings import load_supply_chain
from vectora_shared.errors import VectoraError

ROOT = Path(__file__).resolve().parents[2]
# In the assembly, which is the artifact of the pipeline's build.
BILL_FILE = "bill-of-materials.cdx.json"


def main() -> None:
    parser = ArgumentParser(
        prog="python -m tools.supply_chain",
        description=__doc__,
        epilog="examples:\n  .venv/bin/python -m tools.supply_chain licences\n"
        "  .venv/bin/python -m tools.supply_chain bill --folder build\n"
        "  .venv/bin/python -m tools.supply_chain vulnerabilities",
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("task", choices=("licences", "bill", "vulnerabilities"), help="what to do")
    parser.add_argument("--folder", type=Path, default=ROOT / "cdk.out", help="folder of the result; default: cdk.out")
    arguments = parser.parse_args()
    try:
        sys.exit({"licences": _licences, "bill": _bill, "vulnerabilities": _audit}[arguments.task](arguments.folder))
    except VectoraError as error:
        sys.exit(str(error))


def _licences(_: Path) -> int:
    problems = list(licence_problems(inventory(ROOT), load_supply_chain(ROOT).licences))
    print("\n".join(problems) or "All licences are allowed.")
    return 1 if problems else 0


def _bill(folder: Path) -> int:
    text = bill_of_materials(inventory(ROOT), load_supply_chain(ROOT).licences, version_of(ROOT))
    return _written(folder / BILL_FILE, text)


def _audit(folder: Path) -> int:
    """Write the audit; return 1 when a vulnerability has no answer, or when an audit is required and there is none."""
    settings, today = load_supply_chain(ROOT).audit, datetime.now(UTC).date()
    result = audit(ROOT, settings.answers, today)
    for sentence in sentences(result, settings.answers, today):
        print(sentence)
    _written(folder / AUDIT_FILE, result.as_json())
    if result.state == "not audited" and settings.policy == "required":
        print("The policy requires an audit: build again where the indexes answer.")
        return 1
    return 1 if result.unanswered else 0


def _written(path: Path, text: str) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    print(f"Wrote {path}.")
    return 0


if __name__ == "__main__":
    main()
