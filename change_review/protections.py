"""Properties that protect data, access or supervision: which change of each weakens it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from change_review.model import Category
from change_review.values import MISSING, canonical, value_at

Weaker = Callable[[Any, Any], bool]
FOREVER = float("inf")


@dataclass(frozen=True)
class Protection:
    """A property that protects: whether a change weakens it, and what that means."""

    path: tuple[str, ...]
    is_weaker: Weaker
    why: str
    category: Category = "data"


@dataclass(frozen=True)
class Weakening:
    """A protection that a change weakens, with its values."""

    protection: Protection
    before: Any
    after: Any


def weakenings(resource_type: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Weakening]:
    """Yield the protections of a resource that are weaker after a change of its properties."""
    for each in PROTECTIONS.get(resource_type, ()):
        old, new = value_at(before, each.path), value_at(after, each.path)
        if old != new and each.is_weaker(old, new):
            yield Weakening(each, old, new)


def _number(value: Any, default: float) -> float:
    try:
        return default if value is MISSING or value is None else float(value)
    except (TypeError, ValueError):
        return default


def _shorter(default: float) -> Weaker:
    """Return a test for a number that became smaller; `default` is that of a missing property."""
    return lambda before, after: _number(after, default) < _number(before, default)


def _no_longer(*values: str) -> Weaker:
    """Return a test for a value that is no longer one of those that protect."""
    return lambda before, after: canonical(before) in values and canonical(after) not in values


def _now(*values: str) -> Weaker:
    return lambda before, after: canonical(after) in values and canonical(before) not in values


def _gone(before: Any, after: Any) -> bool:
    return before is not MISSING and after is MISSING


def _expires_earlier(before: Any, after: Any) -> bool:
    """Return whether a rule of a bucket's lifecycle deletes something earlier than before."""
    old, new = dict(_expirations(before)), dict(_expirations(after))
    return any(days < old.get(what, FOREVER) for what, days in new.items())


def _expirations(lifecycle: Any) -> Iterator[tuple[tuple[str, str], float]]:
    """Yield what a lifecycle deletes, by scope and kind, with the days until then."""
    rules = lifecycle.get("Rules") if isinstance(lifecycle, Mapping) else None
    earliest: dict[tuple[str, str], float] = {}
    for rule in rules if isinstance(rules, Sequence) else ():
        if not isinstance(rule, Mapping) or rule.get("Status") != "Enabled":
            continue
        scope = repr([canonical(rule.get(key)) for key in ("Prefix", "TagFilters", "ObjectSizeGreaterThan")])
        old = rule.get("NoncurrentVersionExpiration")
        days = {
            "objects": rule.get("ExpirationInDays"),
            "versions": old.get("NoncurrentDays")
            if isinstance(old, Mapping)
            else rule.get("NoncurrentVersionExpirationInDays"),
        }
        for kind, number in days.items():
            if number is not None:
                earliest[scope, kind] = min(_number(number, 0), earliest.get((scope, kind), FOREVER))
    yield from earliest.items()


_DELETABLE = Protection(("DeletionProtection",), _no_longer("true"), "it can be deleted with one call")
_BACKUPS = Protection(("BackupRetentionPeriod",), _shorter(1), "older backups are deleted")
_PUBLIC = Protection(("PubliclyAccessible",), _now("true"), "it gets a public address", "permissions")
_SCHEME = Protection(("Scheme",), _now("internet-facing"), "anyone can reach it", "permissions")
_LOCK = ("ObjectLockConfiguration", "Rule", "DefaultRetention")
_BLOCK = "PublicAccessBlockConfiguration"
_FLAGS = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
_PUBLIC_ACLS = ("PublicRead", "PublicReadWrite", "AuthenticatedRead")


def _key(name: str) -> Protection:
    return Protection((name,), _gone, "it is no longer encrypted with the project's key", "gates")


PROTECTIONS: Mapping[str, tuple[Protection, ...]] = {
    "AWS::ApiGateway::Method": (
        Protection(("AuthorizationType",), _now("NONE"), "anyone can call it", "permissions"),
        Protection(("ApiKeyRequired",), _no_longer("true"), "no key is needed", "permissions"),
    ),
    "AWS::Backup::BackupVault": (Protection(("LockConfiguration",), _gone, "recovery points can be deleted"),),
    "AWS::CloudTrail::Trail": (Protection(("IsLogging",), _now("false"), "calls are no longer recorded", "gates"),),
    "AWS::Cognito::UserPool": (Protection(("DeletionProtection",), _no_longer("ACTIVE"), "it can be deleted"),),
    "AWS::DocDB::DBCluster": (_DELETABLE, _BACKUPS),
    "AWS::DynamoDB::Table": (
        Protection(("DeletionProtectionEnabled",), _no_longer("true"), "it can be deleted with one call"),
        Protection(
            ("PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled"),
            _no_longer("true"),
            "it cannot be restored to a point in time",
        ),
        Protection(("TimeToLiveSpecification", "Enabled"), _now("true"), "items whose time is over are deleted"),
    ),
    "AWS::ECR::Repository": (Protection(("LifecyclePolicy",), lambda old, new: old is MISSING, "images expire"),),
    "AWS::ElasticLoadBalancing::LoadBalancer": (_SCHEME,),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": (_SCHEME,),
    "AWS::KMS::Key": (
        Protection(("Enabled",), _now("false"), "nothing encrypted with it can be read"),
        Protection(("PendingWindowInDays",), _shorter(30), "there is less time to cancel a deletion of the key"),
        Protection(("EnableKeyRotation",), _no_longer("true"), "the key is no longer rotated", "gates"),
    ),
    "AWS::Kinesis::Stream": (Protection(("RetentionPeriodHours",), _shorter(24), "older records are deleted"),),
    "AWS::Lambda::EventInvokeConfig": (
        Protection(("DestinationConfig",), _gone, "events that fail are lost unseen", "gates"),
        Protection(("DestinationConfig", "OnFailure"), _gone, "events that fail are lost unseen", "gates"),
    ),
    "AWS::Lambda::Function": (
        Protection(("DeadLetterConfig",), _gone, "events that fail are lost unseen", "gates"),
        Protection(("CodeSigningConfigArn",), _gone, "code without a signature is accepted", "gates"),
    ),
    "AWS::Lambda::Url": (Protection(("AuthType",), _now("NONE"), "anyone can call it", "permissions"),),
    "AWS::Logs::LogGroup": (
        Protection(("RetentionInDays",), _shorter(FOREVER), "older log events are deleted"),
        Protection(("DeletionProtectionEnabled",), _no_longer("true"), "it can be deleted with one call"),
        _key("KmsKeyId"),
    ),
    "AWS::RDS::DBCluster": (_DELETABLE, _BACKUPS),
    "AWS::RDS::DBInstance": (_DELETABLE, _BACKUPS, _PUBLIC),
    "AWS::Redshift::Cluster": (
        Protection(("AutomatedSnapshotRetentionPeriod",), _shorter(1), "older snapshots are deleted"),
        _PUBLIC,
    ),
    "AWS::S3::Bucket": (
        Protection(("LifecycleConfiguration",), _expires_earlier, "objects or their old versions expire earlier"),
        Protection(
            ("VersioningConfiguration", "Status"),
            _no_longer("Enabled"),
            "what is overwritten or deleted cannot come back",
        ),
        Protection(("ReplicationConfiguration",), _gone, "new objects are not copied"),
        Protection(("ObjectLockConfiguration",), _gone, "new versions are not locked"),
        Protection((*_LOCK, "Days"), _shorter(0), "new versions are locked for a shorter time"),
        Protection((*_LOCK, "Years"), _shorter(0), "new versions are locked for a shorter time"),
        Protection((*_LOCK, "Mode"), _no_longer("COMPLIANCE"), "locks can be lifted"),
        Protection((_BLOCK,), _gone, "the bucket itself no longer blocks public access", "permissions"),
        *(
            Protection((_BLOCK, flag), _no_longer("true"), "public access is possible", "permissions")
            for flag in _FLAGS
        ),
        Protection(("AccessControl",), _now(*_PUBLIC_ACLS), "everyone can read its objects", "permissions"),
        Protection(("LoggingConfiguration",), _gone, "access to it is no longer logged", "gates"),
        _key("BucketEncryption"),
    ),
    "AWS::SNS::Topic": (_key("KmsMasterKeyId"),),
    "AWS::SQS::Queue": (
        Protection(("MessageRetentionPeriod",), _shorter(345600), "older messages are deleted"),
        Protection(("RedrivePolicy",), _gone, "messages that fail are deleted instead of kept"),
        _key("KmsMasterKeyId"),
    ),
    "AWS::StepFunctions::StateMachine": (
        Protection(("LoggingConfiguration",), _gone, "its executions are no longer logged", "gates"),
    ),
}
