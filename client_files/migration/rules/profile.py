"""Rules for client_profile and pipeline."""

from __future__ import annotations

import re

from client_files.migration.draft import Draft
from client_files.migration.known_names import first_word
from client_files.text import Quoted
from vectora_shared.config.wording import Path

USUAL_PERIOD_DAYS = 30


def apply_profile_rules(draft: Draft) -> None:
    _client_id(draft)
    _name(draft)
    if draft.get("client_profile", "active") is None:
        reason = "the file has no value: no schedule produces the newsletter until it is true"
        draft.add(("client_profile", "active"), False, reason)
    if draft.get("client_profile", "frequency") is None:
        frequency = next((word for word in ("daily", "monthly") if word in draft.client_id.split("_")), "weekly")
        draft.add(
            ("client_profile", "frequency"), frequency, "the file has no value: a word of the client id, else weekly"
        )
    if draft.get("pipeline", "default_period_days") is None:
        reason = f"the file has no value: {USUAL_PERIOD_DAYS} days are usual"
        draft.add(("pipeline", "default_period_days"), USUAL_PERIOD_DAYS, reason)
    _analysis_prompt(draft)


def _client_id(draft: Draft) -> None:
    path: Path = ("client_profile", "client_id")
    if draft.get(*path) == draft.client_id:
        draft.carry(path)
    elif draft.get(*path) is None:
        draft.add(path, draft.client_id, "given with --client-id")
    else:
        draft.change(path, draft.client_id, "stable id: the version is no longer part of it")


def _name(draft: Draft) -> None:
    path: Path = ("client_profile", "name")
    name = draft.get(*path)
    if name is None:
        draft.add(path, draft.client_id.replace("_", " ").title(), "the file has none: made from the client id")
        return
    short = re.sub(r"[\s\-\u2013\u2014,(\[]*\bv\d+([._]\d+)*\b.*$", "", str(name), flags=re.IGNORECASE).strip()
    if isinstance(name, str) and short and short != name:
        draft.change(path, Quoted(short), "client_profile.version has the version")
    else:
        draft.carry(path)


def _analysis_prompt(draft: Draft) -> None:
    to: Path = ("pipeline", "analysis_prompt")
    if isinstance(draft.get(*to), str):
        draft.carry(to)
        return
    old: Path = ("bedrock_config", "normalization_prompt")
    name = draft.get(*old)
    prompts = draft.known.prompts
    prefix = first_word(name) if isinstance(name, str) else None
    matching = [prompt for prompt in prompts if prefix and first_word(prompt) == prefix]
    chosen = matching or list(prompts[:1] if len(prompts) == 1 else [])
    if not chosen:
        draft.problems.append(
            f"{draft.file.where(old)}: canonical/prompts has no prompt for '{name or draft.client_id}': "
            f"add pipeline.analysis_prompt, one of {', '.join(prompts) or 'none'}."
        )
        return
    why = "its name begins with the same word" if matching else "there is no other"
    if isinstance(name, str):
        draft.change(old, chosen[0], f"one prompt analyzes and matches; canonical has {chosen[0]}, {why}", to)
    else:
        draft.add(to, chosen[0], f"the prompt for the model; {why}")
