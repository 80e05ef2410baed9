"""Cost a month that templates and settings determine, without what is paid by use.

Prices are those of vectora_ops.costs, each with its source there. They show which change is expensive, and are no bill.
Free tiers are not counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from change_review.finding import draft
from change_review.model import Cost, CostLine, Finding
from change_review.templates import StackPair
from change_review.values import properties_of
from vectora_ops.costs.prices import other_prices, price_table
from vectora_ops.settings import ENVIRONMENT_NAMES, Settings

HOURS = 730
HIGH_RESOLUTION = 3
# A weekly client has 25 items a run; one run with the prompt cache (docs/cost-and-sizing.md, "A month").
RUN_USD = 0.15
RUNS_A_MONTH: Mapping[str, float] = {"daily": 365 / 12, "weekly": 52 / 12, "monthly": 1.0}
MODEL = "newsletters by the model, by schedule"
Price = Callable[[Mapping[str, Any]], float]


def _alarm(properties: Mapping[str, Any]) -> float:
    """Return the price by metrics (CloudWatch pricing, alarms): those of high resolution cost three times as much."""
    metrics = properties.get("Metrics")
    count = (
        sum("MetricStat" in each for each in metrics if isinstance(each, Mapping)) if isinstance(metrics, list) else 1
    )
    resolution = HIGH_RESOLUTION if _number(properties.get("Period"), 60) < 60 else 1
    return max(count, 1) * resolution * price_table().alarm_month.usd


def _interface(properties: Mapping[str, Any]) -> float:
    if properties.get("VpcEndpointType", "Gateway") != "Interface":
        return 0.0
    subnets = properties.get("SubnetIds")
    return other_prices().interface_endpoint_hour.usd * HOURS * (len(subnets) if isinstance(subnets, list) else 1)


def _provisioned_table(properties: Mapping[str, Any]) -> float:
    capacity = properties.get("ProvisionedThroughput")
    if not isinstance(capacity, Mapping) or properties.get("BillingMode") == "PAY_PER_REQUEST":
        return 0.0
    read, write = (_number(capacity.get(f"{kind}CapacityUnits"), 0) for kind in ("Read", "Write"))
    prices = other_prices()
    return (read * prices.dynamodb_read_unit_hour.usd + write * prices.dynamodb_write_unit_hour.usd) * HOURS


def _shards(properties: Mapping[str, Any]) -> float:
    mode = properties.get("StreamModeDetails")
    on_demand = isinstance(mode, Mapping) and mode.get("StreamMode") == "ON_DEMAND"
    if on_demand:
        return other_prices().kinesis_on_demand_stream_hour.usd * HOURS
    return other_prices().kinesis_shard_hour.usd * _number(properties.get("ShardCount"), 1) * HOURS


def _number(value: Any, default: float) -> float:
    try:
        return default if value is None else float(value)
    except (TypeError, ValueError):
        return default


PRICES: Mapping[str, Price] = {
    "AWS::CloudWatch::Alarm": _alarm,
    "AWS::CloudWatch::CompositeAlarm": lambda _: other_prices().composite_alarm_month.usd,
    "AWS::CloudWatch::Dashboard": lambda _: price_table().dashboard_month.usd,
    "AWS::DynamoDB::Table": _provisioned_table,
    "AWS::EC2::EIP": lambda _: other_prices().public_address_hour.usd * HOURS,
    "AWS::EC2::NatGateway": lambda _: other_prices().nat_gateway_hour.usd * HOURS,
    "AWS::EC2::VPCEndpoint": _interface,
    "AWS::EKS::Cluster": lambda _: other_prices().eks_cluster_hour.usd * HOURS,
    "AWS::ElasticLoadBalancingV2::LoadBalancer": lambda _: other_prices().load_balancer_hour.usd * HOURS,
    "AWS::KMS::Key": lambda _: price_table().kms_key_month.usd,
    "AWS::KMS::ReplicaKey": lambda _: price_table().kms_key_month.usd,
    "AWS::Kinesis::Stream": _shards,
    "AWS::Logs::MetricFilter": lambda _: price_table().metric_month.usd,
    "AWS::Route53::HostedZone": lambda _: other_prices().hosted_zone_month.usd,
    "AWS::SecretsManager::Secret": lambda _: other_prices().secret_month.usd,
    "AWS::WAFv2::WebACL": lambda _: other_prices().web_acl_month.usd,
}
# Paid by their size or class, which is no list of prices here.
BY_CLASS = frozenset(
    {
        "AWS::DocDB::DBInstance",
        "AWS::EC2::Instance",
        "AWS::ElastiCache::CacheCluster",
        "AWS::ElastiCache::ReplicationGroup",
        "AWS::MSK::Cluster",
        "AWS::OpenSearchService::Domain",
        "AWS::RDS::DBInstance",
        "AWS::Redshift::Cluster",
        "AWS::SageMaker::Endpoint",
    }
)


def cost_of(
    pairs: tuple[StackPair, ...],
    settings: tuple[Settings | None, Settings | None],
    frequencies: tuple[tuple[str, ...], tuple[str, ...]],
) -> Cost:
    """Return the cost of what differs; `pairs` are stacks that are deployed, `frequencies` those of active clients."""
    totals: dict[tuple[str, str], list[float]] = {}
    for pair in pairs:
        for side, template in enumerate((pair.before, pair.after)):
            for item, usd in _priced(template):
                totals.setdefault((pair.environment, item), [0.0, 0.0])[side] += usd
    for side in (0, 1):
        for env, usd in _of_model(settings[side], frequencies[side]):
            totals.setdefault((env, MODEL), [0.0, 0.0])[side] += usd
    lines = tuple(
        CostLine(environment=env, item=item, before_usd=round(before, 2), after_usd=round(after, 2))
        for (env, item), (before, after) in sorted(totals.items())
        if round(before, 2) != round(after, 2)
    )
    return Cost(
        lines=lines,
        before_usd=round(sum(each.before_usd for each in lines), 2),
        after_usd=round(sum(each.after_usd for each in lines), 2),
        unknown=tuple(sorted(_unknown(pairs))),
    )


def _priced(template: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for resource in (template.get("Resources") or {}).values():
        kind = str(resource.get("Type", ""))
        if kind in PRICES and (usd := PRICES[kind](properties_of(resource))):
            yield kind, usd


def _of_model(settings: Settings | None, frequencies: tuple[str, ...]) -> Iterator[tuple[str, float]]:
    for env in ENVIRONMENT_NAMES if settings else ():
        assert settings is not None  # noqa: S101
        environment = settings.environment(env)
        if environment.model.analyzer == "bedrock" and environment.schedule.enabled:
            yield env, RUN_USD * sum(RUNS_A_MONTH.get(each, 0.0) for each in frequencies)


def _unknown(pairs: tuple[StackPair, ...]) -> set[str]:
    found = set()
    for pair in pairs:
        old, new = pair.before.get("Resources") or {}, pair.after.get("Resources") or {}
        for logical_id, resource in new.items():
            if resource.get("Type") in BY_CLASS and resource != old.get(logical_id):
                found.add(f"{pair.environment}: {resource['Type']} {logical_id}")
    return found


def findings_on_cost(cost: Cost, limit_usd: float, settings: Settings | None) -> Iterator[Finding]:
    """Yield a finding when the change adds more than a limit, or more than an environment's budget."""
    added = round(cost.after_usd - cost.before_usd, 2)
    if added > limit_usd:
        text = f"the change adds ${added:.2f} a month, which is more than ${limit_usd:g} (--cost-limit)"
        yield draft("cost", StackPair("all", "all", "cost", {}, {}), text)
    for env in ENVIRONMENT_NAMES if settings else ():
        assert settings is not None  # noqa: S101
        budget = settings.environment(env).monthly_budget_usd
        own = [each for each in cost.lines if each.environment == env]
        if sum(each.after_usd - each.before_usd for each in own) > budget:
            text = f"the change alone adds more than the budget of ${budget:g} a month (monthly_budget_usd)"
            yield draft("cost", StackPair(env, env, "cost", {}, {}), text)
