"""Resources of environments that send newsletters by e-mail: function, configuration set, and rule of its events."""

from __future__ import annotations

from collections.abc import Sequence

import aws_cdk as cdk

from stacks.assets.packages import Packages
from stacks.component import ComponentStack
from stacks.engine_function import engine_function
from vectora_constructs.function_rule import FunctionRule
from vectora_constructs.lost_events_alarm import LostEventsAlarm
from vectora_constructs.mail_configuration_set import FEEDBACK, MailConfigurationSet
from vectora_constructs.python_function import PythonFunction
from vectora_ops.delivery_settings import Delivery
from vectora_ops.names import DELIVERY_TASK

WHY_NO_DEAD_LETTERS = (
    "A failed delivery is reported by its run; an alarm notifies the operators of bounces that the function drops."
)


def add_delivery(
    stack: ComponentStack, delivery: Delivery, *, packages: Packages, layer_arns: Sequence[str]
) -> PythonFunction:
    """Add the delivery of an environment to `stack`; environments without delivery have none of its resources."""
    names = stack.names
    topic_arn = stack.format_arn(service="sns", resource=names.topic("operations"))
    function = engine_function(
        stack,
        "DeliverV2",
        task=DELIVERY_TASK,
        description="Sends an issue to its readers, and notes bounces and complaints",
        packages=packages,
        layer_arns=layer_arns,
        memory_mb=512,
        environment={
            "NEWSLETTERS_BUCKET": names.bucket("newsletters"),
            "CONFIGURATION_SET": names.mail_configuration_set,
            "NOTIFICATIONS_TOPIC_ARN": topic_arn,
            "DELIVERY_MODE": delivery.mode,
            **({"REDIRECT_TO": ",".join(delivery.redirect_to)} if delivery.redirect_to else {}),
        },
        why_no_dead_letters=WHY_NO_DEAD_LETTERS,
    )
    # A kept log group would make the next deployment fail that turns delivery on again: "already exists".
    function.log_group.apply_removal_policy(cdk.RemovalPolicy.DESTROY)
    configuration_set = MailConfigurationSet(stack, "NewsletterMail", name=names.mail_configuration_set)
    function.resource.add_resource_dependency(configuration_set.resource)
    FunctionRule(
        stack,
        "MailFeedback",
        rule_name=names.rule("mail-feedback"),
        description="Notes bounces and complaints about newsletters",
        pattern={
            "source": ["aws.ses"],
            "detail-type": list(FEEDBACK),
            "detail": {"mail": {"tags": {"ses:configuration-set": [names.mail_configuration_set]}}},
        },
        function=function,
    )
    LostEventsAlarm(
        stack,
        "DeliverV2LostEvents",
        alarm_name=names.alarm(f"{DELIVERY_TASK}-lost-events"),
        function=function,
        topic_arn=topic_arn,
    )
    return function
