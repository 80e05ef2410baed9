"""The CDK app: `--context env=dev|stage|prod` builds that environment's stacks, no context the delivery pipeline.

`--context access=dev|stage|prod` builds the stack that lets the pipeline and other environments in from elsewhere,
`--context backup=dev|stage|prod` the stack of the copy of its vault.
"""

from __future__ import annotations

import gc
import sys
from pathlib import Path

# A synthesis takes two seconds and frees little memory: garbage collection would cost a twentieth of it.
gc.disable()
from stacks.validator import start_validator, validated_app  # noqa: E402

VALIDATOR = start_validator()  # before the other imports, during which it starts
from stacks.assets.packages import platform_of  # noqa: E402
from stacks.synthesis import (  # noqa: E402
    synthesize_access,
    synthesize_backup,
    synthesize_environment,
    synthesize_pipeline,
)
from vectora_ops.settings import load_settings  # noqa: E402
from vectora_shared.errors import VectoraError  # noqa: E402

ROOT = Path(__file__).resolve().parent

if __name__ == "__main__":
    app = validated_app(VALIDATOR)
    env, access, backup = map(app.node.try_get_context, ("env", "access", "backup"))
    try:
        settings, platform = load_settings(ROOT), platform_of(app.node.try_get_context("lambda-platform"))
        if access is not None:
            synthesize_access(app, settings=settings, env=access)
        elif backup is not None:
            synthesize_backup(app, settings=settings, env=backup)
        elif env is None:
            synthesize_pipeline(app, root=ROOT, settings=settings, platform=platform)
        else:
            synthesize_environment(app, root=ROOT, settings=settings, env=env, platform=platform)
    except VectoraError as error:
        sys.exit(str(error))
    gc.freeze()  # Python collects garbage as it exits, even so; what is frozen is left alone
