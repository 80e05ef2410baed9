"""Runbooks of alarms: each alarm's notification leads to a section and to a command that exist."""

from __future__ import annotations

import re

import pytest

from stacks.alarms import RUNBOOK, AlarmDefinition, alarm_definitions
from tests.docs.documents import anchors, words_of
from tests.docs.test_commands_in_documents import vectora_problem
from tests.repository import ROOT
from vectora_ops.alarm_names import ALARM_NAMES, AlarmName
from vectora_ops.settings import ENVIRONMENT_NAMES, load_settings

SETTINGS = load_settings(ROOT)
DESCRIPTION = re.compile(r"(PAGE|TICKET)\. .+\. Runbook: (\S+)#(\S+)\. Run: (\./vectora .+)")


def _definition(env: str, name: AlarmName) -> AlarmDefinition:
    found = alarm_definitions(
        names=SETTINGS.names(env),
        settings=SETTINGS.environment(env),
        approval_days=SETTINGS.pipeline.approval_days,
    )
    return found[name]


@pytest.mark.parametrize("name", ALARM_NAMES)
def test_the_notification_of_an_alarm_leads_to_its_runbook_and_to_a_command(name: AlarmName) -> None:
    for env in ENVIRONMENT_NAMES:
        description = _definition(env, name).description(SETTINGS.environment(env).alarms)
        found = DESCRIPTION.fullmatch(description)
        assert found, description
        _, page, anchor, command = found.groups()
        assert anchor in anchors(ROOT / page)
        assert vectora_problem(words_of(command)[1:], may_only_name=False) == ""


@pytest.mark.parametrize("name", ALARM_NAMES)
def test_the_runbook_of_an_alarm_says_what_to_run_and_when_it_is_normal(name: AlarmName) -> None:
    section = _sections()[name]
    assert "- **Run** `./vectora " in section
    assert "- **Normal** " in section
    command = _definition("prod", name).command
    # In the page, commands have the example's environment and client.
    assert command.replace("source check", "source check lai_weekly") in section


def test_the_page_has_a_section_for_each_alarm_and_for_nothing_else() -> None:
    assert _sections().keys() == set(ALARM_NAMES)


def _sections() -> dict[str, str]:
    text = (ROOT / RUNBOOK).read_text(encoding="utf-8")
    steps = text.partition("\n## Steps\n")[2].partition("\n## ")[0]
    return {name: body for name, _, body in (each.partition("\n") for each in steps.split("\n### ")[1:])}
