"""Command `cdk`: the pinned CDK CLI on the pinned Node.js, for all stacks if none is named."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CDK_CLI = ROOT / "node_modules" / "aws-cdk" / "bin" / "cdk"
# If no stack is named, these fail for an app with several stacks. CDK_ALL=true selects all, but also overrides names.
COMMANDS_ON_STACKS = ("deploy", "diff", "synth", "synthesize", "destroy")
# Options of the pinned CLI that have a value; a test compares them with `cdk --help`.
OPTIONS_WITH_VALUE = frozenset(
    """
    -a --app --asset-build-concurrency --build --build-exclude -c --ca-bundle-path --change-set-name --concurrency
    --context --context-lines -E --fail-on --hotswap-ecs-maximum-healthy-percent
    --hotswap-ecs-minimum-healthy-percent --hotswap-ecs-stabilization-timeout-seconds -m --method
    --monitoring-time-minutes --notification-arns -O -o --output --outputs-file -p --parameters --plugin --profile
    --progress --proxy -r --region --require-approval --role-arn --rollback-trigger-alarm-arns -t --tags
    --telemetry-file --template --toolkit-stack-name --unstable
    """.split()  # noqa: SIM905
)


def names_a_stack(arguments: Sequence[str]) -> bool:
    """Return True if an argument after the command is neither an option nor an option's value."""
    words = iter(arguments)
    for word in words:
        if word.startswith("-"):
            if word in OPTIONS_WITH_VALUE:
                next(words, None)
        else:
            return True
    return False


def main() -> None:
    arguments = sys.argv[1:]
    environment = dict(os.environ)
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment.get("PATH", os.defpath)])
    environment["JSII_NODE"] = str(Path(sys.executable).parent / "node-for-jsii")
    # With this variable, which a shell may set, Python would compile the app at every synth.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    environment.setdefault("CDK_DISABLE_CLI_TELEMETRY", "true")
    if arguments and arguments[0] in COMMANDS_ON_STACKS and not names_a_stack(arguments[1:]):
        environment["CDK_ALL"] = "true"
    node = Path(sys.executable).parent / "node"
    os.execve(node, [str(node), str(CDK_CLI), *arguments], environment)  # noqa: S606


if __name__ == "__main__":
    main()
