"""Cost that a change adds, by the table of prices."""

from __future__ import annotations

from typing import Any

import pytest

from change_review.cost import HOURS, PRICES, cost_of
from change_review.templates import StackPair
from vectora_ops.costs.prices import OtherPrices, Prices, other_prices, price_table

ADDED: dict[str, tuple[dict[str, Any], float]] = {
    "AWS::CloudWatch::Dashboard": ({}, price_table().dashboard_month.usd),
    "AWS::DynamoDB::Table": (
        {"ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 2}},
        (5 * other_prices().dynamodb_read_unit_hour.usd + 2 * other_prices().dynamodb_write_unit_hour.usd) * HOURS,
    ),
    "AWS::EC2::NatGateway": ({}, other_prices().nat_gateway_hour.usd * HOURS),
    "AWS::EC2::VPCEndpoint": (
        {"VpcEndpointType": "Interface", "SubnetIds": ["a", "b"]},
        2 * other_prices().interface_endpoint_hour.usd * HOURS,
    ),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": ({}, other_prices().load_balancer_hour.usd * HOURS),
    "AWS::Kinesis::Stream": ({"ShardCount": 3}, 3 * other_prices().kinesis_shard_hour.usd * HOURS),
    "AWS::SecretsManager::Secret": ({}, other_prices().secret_month.usd),
    "AWS::WAFv2::WebACL": ({}, other_prices().web_acl_month.usd),
}


@pytest.mark.parametrize("kind", ADDED)
def test_an_added_resource_costs_what_the_table_says(kind: str) -> None:
    properties, usd = ADDED[kind]
    after = {"Resources": {"Added": {"Type": kind, "Properties": properties}}}
    cost = cost_of((StackPair("prod", "prod", "core", {}, after),), (None, None), ((), ()))
    [line] = cost.lines
    assert (line.environment, line.item, line.before_usd) == ("prod", kind, 0.0)
    assert line.after_usd == pytest.approx(usd, abs=0.005)


def test_every_price_of_a_resource_is_positive_and_each_price_is_in_one_group() -> None:
    capacity = {"ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}}
    properties = {"VpcEndpointType": "Interface", **capacity}
    assert min(price(properties) for price in PRICES.values()) > 0
    assert Prices.model_fields.keys().isdisjoint(OtherPrices.model_fields)
