"""The templates of an environment, or of the pipeline, synthesized as the CDK CLI does."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import aws_cdk as cdk

from stacks.environment import environment_stacks
from vectora_ops.settings import Settings, load_settings

Template = dict[str, Any]


def synthesized_templates(root: Path, env: str, settings: Settings | None = None) -> dict[str, Template]:
    """By stack name, in the order of deployment; raises ConfigurationError when the environment is unknown.

    `settings` are others than those of the repository.
    """
    chosen = settings or load_settings(root)
    with tempfile.TemporaryDirectory() as folder:
        app = cdk.App(outdir=folder, context=_context(root))
        stacks = environment_stacks(app, root=root, settings=chosen, env=env, platform="lambda")
        app.synth()
        return {stack.stack_name: _read(Path(folder) / stack.template_file) for stack in stacks}


def synthesized_pipeline(
    root: Path, settings: Settings | None = None
) -> tuple[Template, dict[str, dict[str, Template]]]:
    """The pipeline's own template, and by environment and stack name those that it deploys."""
    from stacks.environment import EnvironmentStage
    from stacks.pipeline import PipelineStack

    with tempfile.TemporaryDirectory() as folder:
        app = cdk.App(outdir=folder, context=_context(root))
        pipeline = PipelineStack(app, root=root, settings=settings or load_settings(root), platform="lambda")
        assembly = app.synth()
        stages = [child for child in pipeline.node.children if isinstance(child, EnvironmentStage)]
        deployed = {
            stage.stage_name: {
                stack.stack_name: _read(
                    Path(folder) / f"assembly-{stage.artifact_id.removeprefix('assembly-')}" / stack.template_file
                )
                for stack in stage.stacks
            }
            for stage in stages
        }
        return _read(Path(assembly.directory) / pipeline.template_file), deployed


def _context(root: Path) -> dict[str, Any]:
    configuration: dict[str, Any] = json.loads((root / "cdk.json").read_text(encoding="utf-8"))
    context: dict[str, Any] = configuration.get("context", {})
    # What the CLI passes on from cdk.json; without them these templates would not be the deployed ones.
    return {**context, "aws:cdk:enable-path-metadata": False, "aws:cdk:enable-asset-metadata": False}


def _read(path: Path) -> Template:
    template: Template = json.loads(path.read_text(encoding="utf-8"))
    return template
