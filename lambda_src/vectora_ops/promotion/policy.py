"""Policy by which a release is judged: the stricter of the commit's and of the one that its target deployed."""

from __future__ import annotations

import json

from botocore.exceptions import ClientError
from pydantic import ValidationError

from vectora_ops.account import Account
from vectora_ops.names import OPERATIONS_LAYER, POLICY, Names
from vectora_ops.open_times import stricter as stricter_windows
from vectora_ops.settings import Promotion
from vectora_shared.aws_errors import is_absent
from vectora_shared.errors import VectoraError


def stricter(one: Promotion, other: Promotion) -> Promotion:
    """Return a policy that refuses all that one of the two refuses.

    When a refused promotion is tried again (`retry_at`) is no rule: it is that of `one`.
    """
    costs = [each.maximum_run_cost_usd for each in (one, other) if each.maximum_run_cost_usd is not None]
    # A copy: together the windows may be longer than those of one file may be, and they are in no variable.
    return one.model_copy(
        update={
            "requires_smoke_test": one.requires_smoke_test or other.requires_smoke_test,
            "requires_end_to_end_test": one.requires_end_to_end_test or other.requires_end_to_end_test,
            "requires_approval": one.requires_approval or other.requires_approval,
            "soak_days": max(one.soak_days, other.soak_days),
            "minimum_runs": max(one.minimum_runs, other.minimum_runs),
            "maximum_noise_percent": min(one.maximum_noise_percent, other.maximum_noise_percent),
            "maximum_run_cost_usd": min(costs, default=None),
            "requires_client_versions_forward": one.requires_client_versions_forward
            or other.requires_client_versions_forward,
            "watch_hours": max(one.watch_hours, other.watch_hours),
            "windows": stricter_windows(one.windows, other.windows),
        }
    )


def judging_policy(account: Account, target: Names, policy: Promotion) -> Promotion:
    """Return the stricter of the commit's `policy` and of the target's deployed one, if there is one.

    Raises VectoraError when the deployed one cannot be read.
    """
    deployed = deployed_policy(account.of(target.env), target)
    return policy if deployed is None else stricter(policy, deployed)


def deployed_policy(account: Account, names: Names) -> Promotion | None:
    """Return the policy that the environment's own stack recorded; None before its first deployment."""
    name = names.parameter(POLICY)
    try:
        value = account.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
    except ClientError as error:
        if is_absent(error, "parameter"):
            return None
        raise
    try:
        given = json.loads(value)
        # A setting that the commit removed is none for its code; its removal was reviewed.
        known = {key: each for key, each in given.items() if key in Promotion.model_fields}
        return Promotion.model_validate_json(json.dumps(known))
    except (ValueError, AttributeError, ValidationError) as error:
        raise VectoraError(
            f"SSM parameter {name} holds no promotion policy: it was changed by hand; deploy stack "
            f"{names.stack(OPERATIONS_LAYER)} again."
        ) from error
