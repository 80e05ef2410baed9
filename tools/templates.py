"""Golden templates: the synthesized templates as sorted YAML, without the digests that every commit changes."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from stacks.synthesis import Template, synthesized_pipeline, synthesized_templates
from vectora_ops.names import STACK_LAYERS
from vectora_ops.settings import load_settings

ROOT = Path(__file__).resolve().parent.parent
GOLDEN_FOLDER = ROOT / "tests" / "stacks" / "templates"


def synthesize(env: str) -> dict[str, Template]:
    """Return the templates of an environment by layer, such as s0-core."""
    names = load_settings(ROOT).names(env)
    templates = synthesized_templates(ROOT, env)
    return {layer: templates[names.stack(layer)] for layer in STACK_LAYERS}


def synthesize_pipeline() -> Template:
    return synthesized_pipeline(ROOT)[0]


def golden_text(template: Template) -> str:
    """Return sorted YAML with a placeholder for the digests of assets and of the release."""
    text = yaml.safe_dump(template, sort_keys=True, allow_unicode=True, width=120, default_flow_style=False)
    return re.sub(r"\b[0-9a-f]{64}\b", "<digest>", text)


def golden_pipeline_path() -> Path:
    return GOLDEN_FOLDER / "pipeline.yaml"


def golden_path(env: str, layer: str) -> Path:
    return GOLDEN_FOLDER / env / f"{layer}.yaml"
