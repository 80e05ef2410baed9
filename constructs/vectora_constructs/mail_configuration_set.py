"""SES configuration set of newsletters: bounces and complaints become events, and end further messages."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_ses as ses
from constructs import Construct

BOUNCED, COMPLAINED = "Email Bounced", "Email Complaint Received"
# Detail types of the events (SES guide, "Monitoring SES events using Amazon EventBridge").
FEEDBACK = (BOUNCED, COMPLAINED)


class MailConfigurationSet(Construct):
    """Configuration set `{id}` and its event destination `{id}Events`, the account's default event bus."""

    def __init__(self, scope: Construct, construct_id: str, *, name: str) -> None:
        super().__init__(scope, construct_id)
        self.resource = ses.CfnConfigurationSet(
            self,
            "Default",
            name=name,
            # Addresses that bounced or complained get nothing from SES any more, regardless of the account's setting
            # (SES guide, "Using configuration set-level suppression").
            suppression_options=ses.CfnConfigurationSet.SuppressionOptionsProperty(
                suppressed_reasons=["BOUNCE", "COMPLAINT"]
            ),
            reputation_options=ses.CfnConfigurationSet.ReputationOptionsProperty(reputation_metrics_enabled=True),
            sending_options=ses.CfnConfigurationSet.SendingOptionsProperty(sending_enabled=True),
        )
        self.resource.override_logical_id(construct_id)
        events = ses.CfnConfigurationSetEventDestination(
            self,
            "Events",
            configuration_set_name=self.resource.ref,
            event_destination=ses.CfnConfigurationSetEventDestination.EventDestinationProperty(
                name="feedback",
                enabled=True,
                matching_event_types=["bounce", "complaint"],
                # Only the default bus is possible (CloudFormation, EventBridgeDestination).
                event_bridge_destination=ses.CfnConfigurationSetEventDestination.EventBridgeDestinationProperty(
                    event_bus_arn=cdk.Stack.of(self).format_arn(
                        service="events", resource="event-bus", resource_name="default"
                    )
                ),
            ),
        )
        events.override_logical_id(f"{construct_id}Events")
