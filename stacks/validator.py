"""Template validator of the CDK, started beside the imports of an app."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

import aws_cdk as cdk


def start_validator() -> Future[cdk.CloudFormationValidatePlugin]:
    """Start the validator that the CDK would start during the synthesis: it reads its rules for most of a second.

    The CDK's library answers one thread at a time: until the result is there, import modules and create no construct.
    """
    executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="validator")
    future = executor.submit(cdk.CloudFormationValidatePlugin)
    executor.shutdown(wait=False)
    return future


def validated_app(validator: Future[cdk.CloudFormationValidatePlugin]) -> cdk.App:
    """Return an app whose templates the validator checks, when it has started."""
    plugin = validator.result()
    app = cdk.App()
    cdk.Validations.of(app).add_plugins(plugin)
    return app
