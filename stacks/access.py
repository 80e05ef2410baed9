"""Stack access: roles that let the pipeline and other environments in, from other accounts and regions."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_events as events
from constructs import Construct

from stacks.elsewhere import (
    asks_promotion,
    function_role,
    promotion_reader,
    relay_role,
    relayed_steps,
    role_arn,
    stage_failed_rule,
)
from stacks.permissions.access import STEP_TASKS, invoke_functions, read_target
from vectora_constructs.trusted_role import TrustedRole
from vectora_ops.names import EnvName, Names, OperationsTask
from vectora_ops.settings import Settings, environment_after, environment_before
from vectora_shared.errors import ConfigurationError

# Functions of an environment that let the preceding one judge what it gives.
JUDGING_TASKS: tuple[OperationsTask, ...] = ("promotion", "rollback", "watch")


class AccessStack(cdk.Stack):
    """Stack `{project}-access-{env}`, which an administrator deploys; the pipeline cannot change it."""

    def __init__(self, scope: Construct, *, settings: Settings, env: str) -> None:
        """Add the stack; raises ConfigurationError when everything is in the environment's account and region."""
        names, place = settings.names(env), settings.place(env)
        super().__init__(
            scope,
            names.access_stack,
            stack_name=names.access_stack,
            description="Vectora Inbox, access: roles for the pipeline and the environments elsewhere.",
            env=cdk.Environment(account=place.account, region=place.region),
            # Deployed with the administrator's own credentials: the bootstrap's roles must not change these roles.
            synthesizer=cdk.LegacyStackSynthesizer(),
        )
        for key, value in (
            ("Project", names.project),
            ("Env", names.env),
            ("Component", "access"),
            ("ManagedBy", "aws-cdk"),
        ):
            cdk.Tags.of(self).add(key, value)
        self._settings = settings
        self._names = names
        self._place = place
        preceding, following = environment_before(env), environment_after(env)
        if not settings.is_beside_the_pipeline(env):
            self._let_the_pipeline_in()
        if preceding and settings.place(preceding) != place:
            self._let_the_preceding_environment_read(preceding)
        if following and settings.place(following) != place:
            self._let_the_following_environment_ask(following)
        if not self.node.find_all()[1:]:
            raise ConfigurationError(
                f"{env} needs no stack {names.access_stack}: the pipeline and the environments before and after it are "
                "in its account and region."
            )

    def _let_the_pipeline_in(self) -> None:
        tools = self._settings.pipeline_place
        TrustedRole(
            self,
            "PipelineRole",
            role=relayed_steps(self._names),
            trusted=(role_arn(tools.account, relay_role(self._names)),),
            description="The pipeline's relay: invokes the functions of the pipeline's steps",
            grants=(invoke_functions(self._names, self._place.region, *STEP_TASKS),),
        )
        if tools.account == self._place.account:
            # Events of the same account need the rule's role only (EventBridge user guide, cross-Region events).
            return
        rule = f"arn:aws:events:{tools.region}:{tools.account}:rule/{stage_failed_rule(self._names)}"
        events.CfnEventBusPolicy(
            self,
            "PipelineEvents",
            statement_id=f"{self._names.project}-{self._names.env}",
            event_bus_name="default",
            statement={
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{tools.account}:root"},
                "Action": "events:PutEvents",
                "Resource": f"arn:aws:events:{self._place.region}:{self._place.account}:event-bus/default",
                "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
            },
        )

    def _let_the_preceding_environment_read(self, env: EnvName) -> None:
        TrustedRole(
            self,
            "PromotionReaderRole",
            role=promotion_reader(self._names),
            trusted=(self._function_of(env, "promotion"),),
            description=f"Promotion from {env}: reads the records and clients that its gates compare",
            grants=read_target(self._names, self._place.region),
        )

    def _let_the_following_environment_ask(self, env: EnvName) -> None:
        TrustedRole(
            self,
            "AsksPromotionRole",
            role=asks_promotion(self._names),
            trusted=tuple(self._function_of(env, task) for task in JUDGING_TASKS),
            description=f"Promotion into {env}: invokes the gates of this environment",
            grants=(invoke_functions(self._names, self._place.region, "promotion"),),
        )

    def _function_of(self, env: EnvName, task: OperationsTask) -> str:
        names: Names = self._settings.names(env)
        return role_arn(self._settings.place(env).account, function_role(names, task))
