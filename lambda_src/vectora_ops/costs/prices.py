"""Table of AWS prices, each with its source and its date."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import Field

from vectora_shared.config.section import Section, read_file

FILE = "prices.yaml"


class Price(Section):
    """A price in US dollars; one that is not `verified` was found in a copy of its source."""

    usd: Annotated[float, Field(gt=0)]
    unit: str
    source: str
    address: Annotated[str, Field(pattern=r"^https://")]
    found: Annotated[str, Field(pattern=r"^20\d\d-\d\d-\d\d$")]
    verified: bool


class _Group(Section):
    @property
    def all(self) -> tuple[Price, ...]:
        """All prices, in the order of the table."""
        return tuple(getattr(self, name) for name in type(self).model_fields)


class Prices(_Group):
    """Prices of what an environment uses."""

    lambda_gb_second: Price
    state_transition: Price
    s3_standard_gb_month: Price
    s3_glacier_ir_gb_month: Price
    alarm_month: Price
    metric_month: Price
    dashboard_month: Price
    log_gb_month: Price
    kms_key_month: Price
    pipeline_action_minute: Price
    small_build_minute: Price
    medium_build_minute: Price


class OtherPrices(_Group):
    """Prices of what a change could add."""

    composite_alarm_month: Price
    dynamodb_read_unit_hour: Price
    dynamodb_write_unit_hour: Price
    public_address_hour: Price
    nat_gateway_hour: Price
    interface_endpoint_hour: Price
    eks_cluster_hour: Price
    load_balancer_hour: Price
    kinesis_shard_hour: Price
    kinesis_on_demand_stream_hour: Price
    hosted_zone_month: Price
    secret_month: Price
    web_acl_month: Price


class _Table(Section):
    prices: Prices
    others: OtherPrices


def price_table() -> Prices:
    """Return the prices of what an environment uses, which are part of this package."""
    return _table().prices


def other_prices() -> OtherPrices:
    """Return the prices of what no environment uses."""
    return _table().others


@cache
def _table() -> _Table:
    return read_file(_Table, FILE, Path(__file__).with_name(FILE).read_bytes())
