"""Synthesis of an environment, of the pipeline and of the digests of a release, as the CDK CLI does it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import aws_cdk as cdk

from stacks.assets.assembly import record_releases
from stacks.assets.packages import LambdaPlatform
from stacks.assets.release import Releases
from stacks.environment import EnvironmentStage, environment_stacks
from stacks.places import require_named_accounts
from vectora_ops.settings import ENVIRONMENT_NAMES, Settings, load_settings
from vectora_shared.errors import ConfigurationError

Template = dict[str, Any]


def synthesize(app: cdk.App, *, root: Path, settings: Settings, platform: LambdaPlatform) -> None:
    """Write the assembly that the app's context chooses: env, access or backup of an environment, or the pipeline."""
    env, access, backup = map(app.node.try_get_context, ("env", "access", "backup"))
    if access is not None:
        synthesize_access(app, settings=settings, env=access)
    elif backup is not None:
        synthesize_backup(app, settings=settings, env=backup)
    elif env is not None:
        synthesize_environment(app, root=root, settings=settings, env=env, platform=platform)
    else:
        synthesize_pipeline(app, root=root, settings=settings, platform=platform)


def synthesize_environment(app: cdk.App, *, root: Path, settings: Settings, env: str, platform: LambdaPlatform) -> None:
    """Write the assembly of an environment; raises ConfigurationError when the environment is unknown."""
    environment_stacks(app, root=root, settings=settings, env=env, platform=platform)
    _record(app, {env: app}, root, platform)


def synthesize_access(app: cdk.App, *, settings: Settings, env: str) -> None:
    """Write the assembly of an environment's stack access; raises ConfigurationError when it needs none."""
    from stacks.access import AccessStack

    require_named_accounts(settings)
    AccessStack(app, settings=settings, env=env)
    app.synth()


def synthesize_backup(app: cdk.App, *, settings: Settings, env: str) -> None:
    """Write the assembly of the copy of an environment's vault.

    Raises ConfigurationError when the environment is unknown or has no backup.
    """
    # An environment does without its construct.
    from stacks.backup import BackupStack

    chosen = settings.environment(env)
    if chosen.backup is None or chosen.account is None:
        raise ConfigurationError(
            f"Environment {env} has no `backup` in config/environments.yaml: add its account and region "
            "(docs/runbooks/loss-of-an-account.md)."
        )
    BackupStack(app, names=settings.names(env), settings=chosen, backup=chosen.backup, source_account=chosen.account)
    app.synth()


def synthesized_backup(root: Path, env: str, settings: Settings) -> Template:
    """Return the template of the copy of an environment's vault; raises ConfigurationError as `synthesize_backup`."""
    with tempfile.TemporaryDirectory() as folder:
        app = cdk.App(outdir=folder, context=_context(root))
        synthesize_backup(app, settings=settings, env=env)
        return _templates(app)[settings.names(env).backup_stack]


def synthesize_pipeline(app: cdk.App, *, root: Path, settings: Settings, platform: LambdaPlatform) -> None:
    """Write the assembly of the pipeline and of the environments it deploys."""
    # An environment does without their constructs.
    from stacks.content import content_digest
    from stacks.pipeline import PipelineStack

    pipeline = PipelineStack(app, root=root, settings=settings, platform=platform)
    _record(app, _stages(pipeline), root, platform, content_digest(root, _context(root), platform))


def synthesized_templates(root: Path, env: str, settings: Settings | None = None) -> dict[str, Template]:
    """Return templates by stack name, in the order of deployment, with `settings` instead of the repository's.

    Raises ConfigurationError when the environment is unknown.
    """
    with tempfile.TemporaryDirectory() as folder:
        app = cdk.App(outdir=folder, context=_context(root))
        synthesize_environment(app, root=root, settings=settings or load_settings(root), env=env, platform="lambda")
        return _templates(app)


def synthesized_access(root: Path, env: str, settings: Settings) -> Template:
    """Return the template of an environment's stack access; raises ConfigurationError when it needs none."""
    with tempfile.TemporaryDirectory() as folder:
        app = cdk.App(outdir=folder, context=_context(root))
        synthesize_access(app, settings=settings, env=env)
        return _templates(app)[settings.names(env).access_stack]


def synthesized_pipeline(
    root: Path, settings: Settings | None = None
) -> tuple[Template, dict[str, dict[str, Template]]]:
    """Return the pipeline's own template, and by environment and stack name those that it deploys."""
    from stacks.pipeline import PipelineStack

    with tempfile.TemporaryDirectory() as folder:
        app = cdk.App(outdir=folder, context=_context(root))
        pipeline = PipelineStack(app, root=root, settings=settings or load_settings(root), platform="lambda")
        stages = _stages(pipeline)
        _record(app, stages, root, "lambda")
        return _read(Path(folder) / pipeline.template_file), {env: _templates(stage) for env, stage in stages.items()}


def synthesized_pipeline_stacks(root: Path, settings: Settings) -> dict[str, Template]:
    """Return the templates of the pipeline and of the copies of its artifacts by stack name."""
    from stacks.pipeline import PipelineStack

    with tempfile.TemporaryDirectory() as folder:
        app = cdk.App(outdir=folder, context=_context(root))
        PipelineStack(app, root=root, settings=settings, platform="lambda")
        app.synth()
        return _templates(app)


def synthesized_releases(root: Path, settings: Settings | None = None) -> Releases:
    """Return the digests of every environment and of the content, whether or not the pipeline can deploy them."""
    from stacks.content import content_digest

    chosen, context = settings or load_settings(root), _context(root)
    with tempfile.TemporaryDirectory() as folder:
        app = cdk.App(outdir=folder, context=context)
        stages: dict[str, cdk.Stage] = {
            env: EnvironmentStage(app, env, root=root, settings=chosen, platform="lambda") for env in ENVIRONMENT_NAMES
        }
        releases = _record(app, stages, root, "lambda")
    return replace(releases, content_digest=content_digest(root, context, "lambda"))


def _record(
    app: cdk.App,
    environments: Mapping[str, cdk.Stage],
    root: Path,
    platform: LambdaPlatform,
    content_digest: str | None = None,
) -> Releases:
    app.synth()
    folders = {env: Path(stage.outdir) for env, stage in environments.items()}
    return record_releases(Path(app.outdir), folders, root=root, platform=platform, content_digest=content_digest)


def _stages(pipeline: cdk.Stack) -> dict[str, EnvironmentStage]:
    return {child.node.id: child for child in pipeline.node.children if isinstance(child, EnvironmentStage)}


def _context(root: Path) -> dict[str, Any]:
    configuration: dict[str, Any] = json.loads((root / "cdk.json").read_text(encoding="utf-8"))
    context: dict[str, Any] = configuration.get("context", {})
    # The CLI adds these from cdk.json; the templates that it deploys depend on them.
    return {**context, "aws:cdk:enable-path-metadata": False, "aws:cdk:enable-asset-metadata": False}


def _templates(stage: cdk.Stage) -> dict[str, Template]:
    stacks = [child for child in stage.node.children if isinstance(child, cdk.Stack)]
    return {stack.stack_name: _read(Path(stage.outdir) / stack.template_file) for stack in stacks}


def _read(path: Path) -> Template:
    template: Template = json.loads(path.read_text(encoding="utf-8"))
    return template
