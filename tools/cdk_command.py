"""Command `cdk`: the pinned CDK CLI on the pinned Node.js, for all stacks if none is named.

`cdk bootstrap` makes the bootstrap of the environment in `--context env=ENV`, or of the pipeline.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CDK_CLI = ROOT / "node_modules" / "aws-cdk" / "bin" / "cdk"
# The CLI collects garbage faster alone than on threads that wait for each other (tools/node-for-jsii).
NODE_OPTIONS = ("--single-threaded-gc",)
# The CDK's library unpacks its JavaScript here, once for each version. A build has a new home folder, in which it would
# unpack 180 MB at every synth.
JSII_PACKAGES = ROOT / "build" / "jsii-packages"
TEMPLATES = ROOT / "build" / "bootstrap"
# If no stack is named, these fail for an app with several stacks. CDK_ALL=true selects all, but also overrides names.
BOOTSTRAP, HELP = "bootstrap", {"--help", "-h"}
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


def cli_environment(arguments: Sequence[str], environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment variables of the CDK CLI, from those of its caller."""
    tools = Path(sys.executable).parent
    chosen = {
        # The user's own values of these have priority.
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(JSII_PACKAGES),
        **environment,
        "PATH": os.pathsep.join([str(tools), environment.get("PATH", os.defpath)]),
        "JSII_NODE": str(tools / "node-for-jsii"),
    }
    # With this variable, which a shell may set, Python would compile the app at every synth.
    chosen.pop("PYTHONDONTWRITEBYTECODE", None)
    if arguments and arguments[0] in COMMANDS_ON_STACKS and not names_a_stack(arguments[1:]):
        chosen["CDK_ALL"] = "true"
    return chosen


def main() -> None:
    arguments = sys.argv[1:]
    environment = cli_environment(arguments, os.environ)
    node = str(Path(sys.executable).parent / "node")
    command = [node, *NODE_OPTIONS, str(CDK_CLI)]
    if arguments and arguments[0] == BOOTSTRAP and not HELP & set(arguments):
        arguments = [BOOTSTRAP, *_own_bootstrap(arguments[1:], command, environment)]
    os.execve(node, [*command, *arguments], environment)  # noqa: S606


def _own_bootstrap(arguments: Sequence[str], command: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    # Other commands do without these modules, whose import takes longer than the rest of this file.
    sys.path[:0] = [str(ROOT), str(ROOT / "lambda_src")]
    from cli.bootstrap.command import bootstrap_arguments
    from vectora_shared.errors import VectoraError

    def template_of_the_cli() -> str:
        # The same for each bootstrap with this release of the CLI, and the CLI takes long to start.
        file = TEMPLATES / f"cli-{json.loads((CDK_CLI.parent.parent / 'package.json').read_bytes())['version']}.yaml"
        if not file.exists():
            shown = [*command, BOOTSTRAP, "--show-template", "--app", ""]
            text = subprocess.run(
                shown, env=dict(environment), stdout=subprocess.PIPE, encoding="utf-8", check=True
            ).stdout
            TEMPLATES.mkdir(parents=True, exist_ok=True)
            new = file.with_suffix(f".{os.getpid()}")
            new.write_text(text, encoding="utf-8")
            new.replace(file)
        return file.read_text(encoding="utf-8")

    try:
        return bootstrap_arguments(ROOT, arguments, template_of_the_cli)
    except VectoraError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
