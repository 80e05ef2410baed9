"""Addresses that security groups let in and out, as sets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from change_review.statements import covers_addresses
from change_review.values import Template, canonical, properties_of

GROUP = "AWS::EC2::SecurityGroup"
EVERYONE = ("0.0.0.0/0", "::/0")
_SOURCES = (
    "CidrIp", "CidrIpv6", "SourceSecurityGroupId", "SourcePrefixListId", "DestinationSecurityGroupId",
    "DestinationPrefixListId", "SourceSecurityGroupName",
)  # fmt: skip
ALL_PROTOCOLS = "-1"


@dataclass(frozen=True, order=True)
class Opening:
    """Traffic that a security group lets through."""

    group: str
    direction: str
    protocol: str
    first: int
    last: int
    peer: str

    @property
    def words(self) -> str:
        ports = "" if self.protocol == ALL_PROTOCOLS else f" {self.first} to {self.last}"
        protocol = "all traffic" if self.protocol == ALL_PROTOCOLS else self.protocol
        way = "from" if self.direction == "Ingress" else "to"
        return f"{protocol}{ports} {way} {self.peer}"

    def covers(self, other: Opening) -> bool:
        if (self.group, self.direction) != (other.group, other.direction):
            return False
        if self.protocol not in (ALL_PROTOCOLS, other.protocol):
            return False
        is_any_port = self.protocol == ALL_PROTOCOLS
        has_ports = is_any_port or (self.first <= other.first and other.last <= self.last)
        return has_ports and covers_addresses(self.peer, other.peer)


def openings_of(template: Template) -> Iterator[Opening]:
    """Yield what the security groups of a template let through."""
    for logical_id, resource in (template.get("Resources") or {}).items():
        kind, properties = str(resource.get("Type", "")), properties_of(resource)
        for direction in ("Ingress", "Egress"):
            if kind == GROUP:
                given = properties.get(f"SecurityGroup{direction}")
                for each in given if isinstance(given, list) else ():
                    yield _opening(f"${{{logical_id}}}", direction, each)
            elif kind == f"{GROUP}{direction}":
                yield _opening(str(canonical(properties.get("GroupId"))).replace(".GroupId", ""), direction, properties)


def _opening(group: str, direction: str, rule: Mapping[str, Any]) -> Opening:
    peer = next((str(canonical(rule[key])) for key in _SOURCES if key in rule), "unknown")
    protocol = str(canonical(rule.get("IpProtocol", ALL_PROTOCOLS)))
    return Opening(group, direction, protocol, _port(rule.get("FromPort"), 0), _port(rule.get("ToPort"), 65535), peer)


def _port(value: Any, default: int) -> int:
    try:
        return default if value is None else int(value)
    except (TypeError, ValueError):
        return default
