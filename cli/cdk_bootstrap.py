"""Names of the CDK bootstrap's resources in an account and region."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

# DefaultStackSynthesizer.DEFAULT_QUALIFIER; not imported, because importing aws_cdk starts a Node.js process.
DEFAULT_QUALIFIER = "hnb659fds"
# `MIN_BOOTSTRAP_STACK_VERSION` of the pinned aws-cdk-lib (core/lib/stack-synthesizers/default-synthesizer); a test
# compares it with what the library writes into an assembly.
MINIMUM_VERSION = 6
# Roles that `cdk deploy` assumes for stacks and file assets; this project has no image assets and no lookups.
ASSUMED_ROLES = ("deploy", "file-publishing")
EXECUTION_ROLE = "cfn-exec"


@dataclass(frozen=True)
class CdkBootstrap:
    """Bootstrap resources, named as in the pinned CLI's bootstrap-template.yaml."""

    qualifier: str
    account_id: str
    region: str

    def role_name(self, kind: str) -> str:
        """Name of a role; `kind` is deploy, file-publishing, lookup or cfn-exec."""
        return f"cdk-{self.qualifier}-{kind}-role-{self.account_id}-{self.region}"

    def role_arn(self, kind: str) -> str:
        return f"arn:aws:iam::{self.account_id}:role/{self.role_name(kind)}"

    @property
    def assets_bucket(self) -> str:
        return f"cdk-{self.qualifier}-assets-{self.account_id}-{self.region}"

    @property
    def version_parameter(self) -> str:
        return f"/cdk-bootstrap/{self.qualifier}/version"


def bootstrap_of(root: Path, account_id: str, region: str) -> CdkBootstrap:
    """Return the bootstrap for stacks of the repository `root`, by the qualifier in cdk.json."""
    context = json.loads((root / "cdk.json").read_text(encoding="utf-8")).get("context", {})
    qualifier = context.get("@aws-cdk/core:bootstrapQualifier") or DEFAULT_QUALIFIER
    return CdkBootstrap(str(qualifier), account_id, region)
