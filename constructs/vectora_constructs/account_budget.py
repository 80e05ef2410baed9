"""Monthly budget of an account."""

from __future__ import annotations

from collections.abc import Mapping

import aws_cdk as cdk
from aws_cdk import aws_budgets as budgets
from constructs import Construct

# Percent of the budget, and whether they are reached or only forecast. A forecast needs about five weeks of usage (AWS
# Cost Management guide, "Creating a cost budget").
NOTIFIED_AT = ((80, "ACTUAL"), (100, "ACTUAL"), (100, "FORECASTED"))


class AccountBudget(Construct):
    """Budget `{id}`, for all costs of the account that it is in.

    It has no filter: a model is charged by resources that only application inference profiles can tag, and cost
    allocation tags have to be activated by the organization's management account. It has no name either: a change of
    its notifications replaces it (NotificationsWithSubscribers, CloudFormation), and two of one name cannot exist.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, monthly_usd: float, topic_arn: str, tags: Mapping[str, str]
    ) -> None:
        """Notify the topic `topic_arn`, which is in the same account (AWS Cost Management guide)."""
        super().__init__(scope, construct_id)
        subscriber = budgets.CfnBudget.SubscriberProperty(subscription_type="SNS", address=topic_arn)
        self.resource = budgets.CfnBudget(
            self,
            "Default",
            budget=budgets.CfnBudget.BudgetDataProperty(
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=budgets.CfnBudget.SpendProperty(amount=monthly_usd, unit="USD"),
            ),
            notifications_with_subscribers=[
                budgets.CfnBudget.NotificationWithSubscribersProperty(
                    notification=budgets.CfnBudget.NotificationProperty(
                        comparison_operator="GREATER_THAN",
                        notification_type=kind,
                        threshold=percent,
                        threshold_type="PERCENTAGE",
                    ),
                    subscribers=[subscriber],
                )
                for percent, kind in NOTIFIED_AT
            ],
            resource_tags=[budgets.CfnBudget.ResourceTagProperty(key=key, value=value) for key, value in tags.items()],
        )
        self.resource.override_logical_id(construct_id)
        # A budget holds nothing of value.
        self.resource.apply_removal_policy(cdk.RemovalPolicy.DESTROY)
