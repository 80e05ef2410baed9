"""Lambda functions of the engine: the settings that the three stages and the publication of configuration share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stacks.assets.packages import Packages
from stacks.component import ComponentStack
from vectora_constructs.python_function import PythonFunction
from vectora_ops.names import FunctionTask

# Lambda's maximum (Lambda guide, quotas).
TIMEOUT_SECONDS = 900
FAILURE_IS_REPORTED_BY_THE_RUN = (
    "Invoked synchronously by the workflow, whose run fails and keeps the error; a queue would stay empty."
)


def engine_function(
    stack: ComponentStack,
    construct_id: str,
    *,
    task: FunctionTask,
    description: str,
    packages: Packages,
    layer_arns: Sequence[str],
    memory_mb: int,
    environment: Mapping[str, str],
    why_no_dead_letters: str = FAILURE_IS_REPORTED_BY_THE_RUN,
) -> PythonFunction:
    """Add function `task` to `stack`: code from folder `lambda_src/{task}`, role from the stack s0-iam.

    `environment` is added to the variables that every engine function has.
    """
    names, logs = stack.names, stack.settings.logs
    return PythonFunction(
        stack,
        construct_id,
        function_name=names.function(task),
        description=description,
        code=stack.asset(f"{construct_id}Package", packages.function(task.replace("-", "_"))),
        layer_arns=layer_arns,
        role_arn=stack.shared_parameter(f"{construct_id}RoleParameter", f"roles/{task}", f"Role of function {task}"),
        memory_mb=memory_mb,
        timeout_seconds=TIMEOUT_SECONDS,
        environment={
            "ENV": names.env,
            "PROJECT_NAME": names.project,
            "CONFIG_BUCKET": names.bucket("config"),
            "LOG_LEVEL": logs.level,
            **environment,
        },
        log_retention_days=logs.retention_days,
        removal_policy=stack.removal_policy,
        why_no_dead_letters=why_no_dead_letters,
    )
