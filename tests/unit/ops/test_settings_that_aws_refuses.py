"""One wrong value for each setting that an AWS API gets: refused when settings are loaded, with line and key."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.repository import ROOT
from tests.unit.ops.environments import VALID, load_text
from vectora_ops.aws_values import known_regions
from vectora_ops.settings import Settings, load_settings
from vectora_shared.errors import ConfigurationError

# With every optional setting, so that each can be wrong.
FULL = VALID.replace(
    "  dev:\n",
    '  dev:\n    account: "123456789012"\n    operators: [a@example.org]\n'
    "    delivery: {mode: redirect, identity: example.org, redirect_to: [you@example.org]}\n",
    1,
)
BRANCHES = [
    "",
    '""',
    "-x",
    "a b",
    "a..b",
    "a~1",
    "a^",
    "a:b",
    "a?",
    "a*",
    '"[a"',
    "/a",
    "a/",
    "a//b",
    "a.",
    "a.lock",
    ".a",
    "a/.b",
]
WRONG: dict[str, list[str]] = {
    "project": ["Vectora", "aws-inbox", '"1a"', "a--b", "a_b", '"inb\u043ex"', '"vectora-inbox\u200b"', f"{'a' * 31}"],
    "branch": [*BRANCHES, '"@"', '"a@{b"', r"a\b", '"main\u200b"', '"m\u0430in"', '"main "', "a" * 256],
    "repository": [
        "owner",
        "owner/name/more",
        '"own er/name"',
        "own\u0435r/name",
        "../name",
        f"a/{'b' * 92}",
        '"a/b "',
    ],
    "connection_arn_parameter": ["arn", "/aws/x", "/a b", "/a//b", "/a/", "/\u00e9", f"/{'a/' * 15}a", '"/a{{x}}"'],
    "web_address": [
        "http://example.org",
        "https://",
        '"https://a b"',
        "https://ex\u0430mple.org",
        "https://a.example/#x",
    ],
    "approval_days": ["0", "8", "1.5"],
    "account": [
        "123456789012",
        '"12345678901"',
        '"1234567890123"',
        '"12345678901\u0663"',
        '"1234-5678-9012"',
        '"12345678901 "',
    ],
    "region": [
        "eu-wset-3",
        "eu-west-9",
        "EU-WEST-3",
        "eu-west-3a",
        "aws-global",
        "cn-north-1",
        '"eu-west-3 "',
        "eu\u2011west-3",
    ],
    "routes_to": ["[]", "[eu-west-9]", "[eu-west-3, eu-west-3]", "eu-west-3"],
    "id": [
        "claude",
        "Claude.x",
        '"eu.anthropic.claude "',
        "arn:aws:bedrock:eu-west-3::foundation-model/a.b",
        "eu.anthropic.cl\u0430ude",
    ],
    "concurrency": ["0", "51", "1.5", "1_0"],
    "max_attempts": ["0", "21"],
    "retry_mode": ["legacy"],
    "level": ["WARN", "info"],
    "retention_days": ["0", "2", "15", "3654", ".inf"],
    "removal_policy": ["snapshot"],
    "old_versions_days": ["0", "3651"],
    "adopted_old_versions_days": ["0"],
    "time_zone": ["Europe/Pariss", "UTC+1"],
    "daily": ["rate(1 day)", "cron(0 24 * * ? *)"],
    "failed_runs": ["0"],
    "run_minutes": ["0", "60"],
    "noise_percent": ["101", "0", "-1", ".nan"],
    "fallback_percent": ["101", "0"],
    "run_cost_usd": ["0", "-1", ".inf"],
    "page": ["[failed]", "[drift, drift]", "drift"],
    "ticket": ["[failed]", "[drift, drift]"],
    "keep_last": ["0"],
    "minimum_age_days": ["0", "3651"],
    "daily_at": ["cron(0 3 * * * *)"],
    "requires_smoke_test": ["maybe"],
    "monthly_budget_usd": ["0", "-1", "0.001", "1.0e+12", ".inf", ".nan", '"20"', "20 USD"],
    "operators": [
        "[a]",
        "[a@b]",
        "[a@example.org, A@example.org]",
        "[a@ex\u0430mple.org]",
        '["a@example.org "]',
        "[j\u00fcrgen@example.org]",
    ],
    "delivery": [
        "{mode: redirect, identity: example.org}",
        "{mode: recipients, identity: example.org, redirect_to: [a@example.org]}",
        "{mode: redirect, identity: localhost, redirect_to: [a@example.org]}",
        "{mode: redirect, identity: example.org, redirect_to: [a@example.org, A@example.org]}",
        '{mode: redirect, identity: "example.org\u200b", redirect_to: [a@example.org]}',
    ],
    "contact": [
        "nobody",
        "http://example.org",
        "https://example.org/(x)",
        '"a@example.org\\r\\nX: y"',
        '"Ann <a@example.org>"',
        f"https://example.org/{'a' * 200}",
        '""',
    ],
    "bucket_suffix": ["Acme", "a_b", "-a", "x-s3alias", "a" * 60],
}


def _with(key: str, value: str) -> tuple[str, int]:
    """Return the file with the first value of `key` replaced or added at the end, and its line."""
    lines = FULL.splitlines()
    found = [number for number, line in enumerate(lines) if line.strip().startswith(f"{key}:")]
    if not found:
        return "\n".join([*lines, f"{key}: {value}\n"]), len(lines) + 1
    number = found[0]
    lines[number] = f"{lines[number].partition(':')[0]}: {value}"
    return "\n".join(lines) + "\n", number + 1


@pytest.mark.parametrize(("key", "value"), [(key, value) for key, values in WRONG.items() for value in values])
def test_a_value_that_aws_refuses_is_refused_with_line_and_key(tmp_path: Path, key: str, value: str) -> None:
    text, line = _with(key, value)
    with pytest.raises(ConfigurationError) as caught:
        load_text(tmp_path, text)
    first = str(caught.value).splitlines()[0]
    assert first.startswith(f"config/environments.yaml, line {line}, column "), first
    assert key in first.partition("key '")[2].partition("'")[0]
    assert all(each.isascii() and each.isprintable() for each in str(caught.value).splitlines())


def test_every_setting_without_a_choice_of_names_has_a_wrong_value_here() -> None:
    document = yaml.safe_load(FULL)
    dev = document["environments"]["dev"]
    parts = [document["pipeline"], dev, *(value for value in dev.values() if isinstance(value, dict))]
    keys = {key for part in parts for key, value in part.items() if not isinstance(value, (dict, bool))}
    named = {"analyzer", "fallback", "mode", "identity", "redirect_to", "weekly", "monthly"}
    assert keys - named <= set(WRONG)


def test_a_full_file_is_accepted(tmp_path: Path) -> None:
    assert load_text(tmp_path, FULL).environment("dev").operators == ("a@example.org",)


def test_a_near_region_is_named_and_all_used_ones_are_known(tmp_path: Path) -> None:
    assert {"eu-west-3", "us-east-1", "eu-south-2"} <= set(known_regions())
    with pytest.raises(ConfigurationError, match="which is no AWS region: did you mean 'eu-west-3'"):
        load_text(tmp_path, VALID.replace("region: eu-west-3", "region: eu-wset-3", 1))


def test_a_foundation_model_that_its_role_may_not_call_is_refused(tmp_path: Path) -> None:
    text = VALID.replace("id: eu.anthropic.", "id: anthropic.", 1).replace("eu-north-1, eu-west-3,", "eu-north-1,", 1)
    with pytest.raises(ConfigurationError, match=r"key 'environments\.dev\.model\.routes_to' lacks eu-west-3, where"):
        load_text(tmp_path, text)


def test_the_repository_settings_are_accepted() -> None:
    assert isinstance(load_settings(ROOT), Settings)
