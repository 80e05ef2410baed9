"""Answers of Bedrock's control plane about the stand-in's models, all of which are enabled."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from rehearsal.model.profiles import InferenceProfile

CREATED_AT = datetime(2026, 1, 1, tzinfo=UTC).isoformat()


def control_plane_answer(
    path: str, profiles: Mapping[str, InferenceProfile], region: str, account: str
) -> dict[str, Any] | None:
    """Return the answer to a GET of Bedrock's control plane (API model `bedrock`), or None for an unknown resource."""
    match path.strip("/").split("/"):
        case ["inference-profiles", name]:
            profile = profiles.get(unquote(name))
            return _profile(profile, region, account) if profile else None
        case ["foundation-model-availability", name]:
            return _availability(unquote(name), profiles, region)
        case ["use-case-for-model-access"]:
            return {"formData": ""}
        case _:
            return None


def _profile(profile: InferenceProfile, region: str, account: str) -> dict[str, Any]:
    model = profile.foundation_model_id
    return {
        "inferenceProfileName": profile.profile_id,
        "inferenceProfileId": profile.profile_id,
        "inferenceProfileArn": f"arn:aws:bedrock:{region}:{account}:inference-profile/{profile.profile_id}",
        "models": [{"modelArn": f"arn:aws:bedrock:{each}::foundation-model/{model}"} for each in profile.regions],
        "status": "ACTIVE",
        "type": "SYSTEM_DEFINED",
        "createdAt": CREATED_AT,
        "updatedAt": CREATED_AT,
    }


def _availability(name: str, profiles: Mapping[str, InferenceProfile], region: str) -> dict[str, Any] | None:
    model = re.sub(r"^arn:aws:bedrock:[^:]*::foundation-model/", "", name)
    if not any(each.foundation_model_id == model and region in each.regions for each in profiles.values()):
        return None
    return {
        "modelId": model,
        "agreementAvailability": {"status": "AVAILABLE"},
        "authorizationStatus": "AUTHORIZED",
        "entitlementAvailability": "AVAILABLE",
        "regionAvailability": "AVAILABLE",
    }
