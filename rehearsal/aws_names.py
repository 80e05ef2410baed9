"""Host names that AWS serves, and the reasons to refuse other names below amazonaws.com."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from botocore.loaders import Loader

DOMAIN = "amazonaws.com"
# S3 user guide, "Bucket naming rules"; the certificate's wildcard excludes dots (same guide, "Virtual hosting").
BUCKET = r"(?P<bucket>[a-z0-9][a-z0-9-]{1,61}[a-z0-9])"


@dataclass(frozen=True)
class _Partition:
    """Regions, services and global hosts of the partition aws, from botocore's endpoint data."""

    regions: frozenset[str]
    services: frozenset[str]
    global_hosts: frozenset[str]


@functools.cache
def _partition() -> _Partition:
    loader = Loader()
    aws: Any = loader.load_data("endpoints")["partitions"][0]
    services = frozenset(aws["services"]) | frozenset(loader.list_available_services("service-2"))
    hosts = (
        service["endpoints"][service["partitionEndpoint"]].get("hostname", "")
        for name, service in aws["services"].items()
        if name != "s3" and service.get("partitionEndpoint") in service.get("endpoints", {})
    )
    return _Partition(frozenset(aws["regions"]), services, frozenset(host for host in hosts if host))


def is_aws(host: str) -> bool:
    """Return whether the name belongs to AWS, served or not."""
    return host == DOMAIN or host.endswith((f".{DOMAIN}", ".api.aws", f".{DOMAIN}.cn"))


def refusal(host: str) -> str | None:
    """Return why the rehearsal refuses a host name below AWS's domain, or None for a name that AWS serves.

    Served are regional endpoints, global endpoints of global services, and S3 buckets at regional virtual-hosted
    addresses (S3 user guide, "Virtual hosting of general purpose buckets"). S3's global endpoint is refused: on AWS it
    redirects requests for a new bucket for up to 24 hours, and refuses buckets of regions launched after March 2019.
    """
    partition = _partition()
    if host in partition.global_hosts:
        return None
    if re.fullmatch(rf"({BUCKET}\.)?s3\.{re.escape(DOMAIN)}", host):
        return f"{host} is S3's global endpoint: use the bucket's regional endpoint"
    matched = re.fullmatch(
        rf"({BUCKET}\.s3|(?P<service>[a-z0-9-]+))\.(?P<region>[a-z0-9-]+)\.{re.escape(DOMAIN)}", host
    )
    if matched is None or (matched["service"] or "s3") not in partition.services:
        return f"{host} is not a host name of an AWS service"
    if matched["region"] not in partition.regions:
        return f"{host} names the region {matched['region']}, which AWS does not have"
    return None


def certificate_names() -> tuple[str, ...]:
    """Return the names for a certificate that covers all served names."""
    partition = _partition()
    regional = (name for region in sorted(partition.regions) for name in (f"*.{region}", f"*.s3.{region}"))
    return (*(f"{name}.{DOMAIN}" for name in regional), *sorted(partition.global_hosts))


def service_names(service: str, regions: Iterable[str] | None = None) -> tuple[str, ...]:
    """Return the regional host names of a service, of all regions unless some are given."""
    chosen = _partition().regions if regions is None else regions
    return tuple(f"{service}.{region}.{DOMAIN}" for region in sorted(chosen))
