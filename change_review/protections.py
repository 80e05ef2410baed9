"""Properties that protect data, access or supervision: which change of each weakens it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from change_review.general_protections import general_weakenings
from change_review.model import Category
from change_review.values import MISSING, canonical, value_at

Weaker = Callable[[Any, Any], bool]
FOREVER = float("inf")


@dataclass(frozen=True)
class Protection:
    """A property that protects: whether a change weakens it, and what that means.

    `is_public` says that a new resource that lacks it is open to everyone.
    """

    path: tuple[str, ...]
    is_weaker: Weaker
    why: str
    category: Category = "data"
    is_public: bool = True


@dataclass(frozen=True)
class Weakening:
    """A protection that a change weakens, with its values."""

    protection: Protection
    before: Any
    after: Any


def weakenings(resource_type: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Weakening]:
    """Yield the protections of a resource that are weaker after a change of its properties."""
    # A browser calls it before the real call, and without credentials.
    if canonical(after.get("HttpMethod")) == "OPTIONS":
        return
    found: set[tuple[str, ...]] = set()
    own = PROTECTIONS.get(resource_type, ())
    for each in own:
        old, new = value_at(before, each.path), value_at(after, each.path)
        if old != new and each.is_weaker(old, new):
            found.add(each.path)
            yield Weakening(each, old, new)
    for path, general, old, new in general_weakenings(resource_type, before, after):
        # What a type's own list decides, it decides alone; and a part says no more than the whole.
        if any(each.path == path for each in own) or any(path[: len(each)] == each for each in found):
            continue
        found.add(path)
        protection = Protection(path, general.is_weaker, general.why, general.category, general.is_public)
        yield Weakening(protection, old, new)


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


def _gains(before: Any, after: Any) -> bool:
    return any(each not in _entries(before) for each in _entries(after))


def _loses(before: Any, after: Any) -> bool:
    return _gains(after, before)


def _fewer(before: Any, after: Any) -> bool:
    return len(_entries(after)) < len(_entries(before))


def _attribute_off(key: str) -> Weaker:
    """Return a test for an entry of a list of keys and values that is no longer true."""

    def value(given: Any) -> str:
        found = (each.get("Value") for each in given if isinstance(each, Mapping) and each.get("Key") == key)
        return str(canonical(next(found, "")))

    return lambda before, after: (
        isinstance(before, list) and value(before) == "true" != value(after if isinstance(after, list) else ())
    )


def _entries(value: Any) -> list[Any]:
    return [canonical(each) for each in value] if isinstance(value, list) else []


@dataclass(frozen=True)
class _Expiration:
    """Objects, or their old versions, that a lifecycle deletes; `kept` are the newest old versions that stay."""

    kind: str
    prefix: str
    filters: str
    days: float
    kept: float

    def includes(self, other: _Expiration) -> bool:
        """Return whether this one deletes everything that another one does, and no later."""
        return (
            self.kind == other.kind
            and other.prefix.startswith(self.prefix)
            and self.filters in ("", other.filters)
            and self.days <= other.days
            and self.kept <= other.kept
        )


def _lower_level(before: Any, after: Any) -> bool:
    old, new = ("OFF" if each is MISSING else str(canonical(each)) for each in (before, after))
    return old in _LEVELS and new in _LEVELS and _LEVELS.index(new) < _LEVELS.index(old)


_LEVELS = ("OFF", "FATAL", "ERROR", "ALL")


def _expires_earlier(before: Any, after: Any) -> bool:
    """Return whether a rule of a bucket's lifecycle deletes something earlier than before."""
    old = tuple(_expirations(before))
    return not all(any(each.includes(new) for each in old) for new in _expirations(after))


def _expirations(lifecycle: Any) -> Iterator[_Expiration]:
    for rule in _rules(lifecycle, "Enabled"):
        filters = {key: canonical(rule[key]) for key in _FILTERS if key in rule}
        scope = str(canonical(rule.get("Prefix") or "")), repr(filters) if filters else ""
        old = rule.get("NoncurrentVersionExpiration")
        versions = (
            old if isinstance(old, Mapping) else {"NoncurrentDays": rule.get("NoncurrentVersionExpirationInDays")}
        )
        if (date := rule.get("ExpirationDate")) is not None:
            yield _Expiration("date", *scope, _number("".join(re.findall(r"\d", str(date))[:8]), 0), 0)
        if (days := rule.get("ExpirationInDays")) is not None:
            yield _Expiration("objects", *scope, _number(days, 0), 0)
        if (days := versions.get("NoncurrentDays")) is not None:
            yield _Expiration("versions", *scope, _number(days, 0), _number(versions.get("NewerNoncurrentVersions"), 0))


def _rules(configuration: Any, status: str) -> list[Mapping[str, Any]]:
    rules = configuration.get("Rules") if isinstance(configuration, Mapping) else None
    found = rules if isinstance(rules, list) else []
    return [each for each in found if isinstance(each, Mapping) and each.get("Status") == status]


def _copies_less(before: Any, after: Any) -> bool:
    """Return whether a bucket's replication has fewer rules that are enabled."""
    return len(_rules(after, "Enabled")) < len(_rules(before, "Enabled"))


_FILTERS = ("TagFilters", "ObjectSizeGreaterThan", "ObjectSizeLessThan")
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
    "AWS::DynamoDB::GlobalTable": (
        Protection(("Replicas",), _fewer, "the items of a region are deleted"),
        Protection(("TimeToLiveSpecification", "Enabled"), _now("true"), "items whose time is over are deleted"),
    ),
    "AWS::DynamoDB::Table": (
        Protection(("DeletionProtectionEnabled",), _no_longer("true"), "it can be deleted with one call"),
        Protection(
            ("PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled"),
            _no_longer("true"),
            "it cannot be restored to a point in time",
        ),
        Protection(
            ("PointInTimeRecoverySpecification", "RecoveryPeriodInDays"),
            _shorter(35),
            "it is restored to later times only",
        ),
        Protection(("TimeToLiveSpecification", "Enabled"), _now("true"), "items whose time is over are deleted"),
    ),
    "AWS::ECR::Repository": (
        Protection(("LifecyclePolicy",), lambda old, new: new is not MISSING and old != new, "images expire"),
    ),
    "AWS::EFS::FileSystem": (
        Protection(("BackupPolicy", "Status"), _no_longer("ENABLED"), "no backups are made of it"),
    ),
    "AWS::ElasticLoadBalancing::LoadBalancer": (_SCHEME,),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": (
        _SCHEME,
        Protection(
            ("LoadBalancerAttributes",),
            _attribute_off("deletion_protection.enabled"),
            "it can be deleted with one call",
        ),
        Protection(("LoadBalancerAttributes",), _attribute_off("access_logs.s3.enabled"), "less is logged", "gates"),
    ),
    "AWS::KMS::Key": (
        Protection(("Enabled",), _now("false"), "nothing encrypted with it can be read"),
        Protection(("PendingWindowInDays",), _shorter(30), "there is less time to cancel a deletion of the key"),
        Protection(("EnableKeyRotation",), _no_longer("true"), "the key is no longer rotated", "gates"),
        Protection(
            ("RotationPeriodInDays",),
            lambda old, new: _number(new, 365) > _number(old, 365),
            "it is rotated less often",
            "gates",
        ),
    ),
    "AWS::IAM::User": (
        Protection(("LoginProfile",), lambda old, new: old is MISSING, "it can sign in with a password", "permissions"),
        Protection(("Groups",), _gains, "it gets the access of the group", "permissions"),
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
        Protection(("ReplicationConfiguration",), _copies_less, "new objects are not copied"),
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
    "AWS::SNS::Topic": (
        _key("KmsMasterKeyId"),
        Protection(("Subscription",), _loses, "fewer get what is published", "gates"),
    ),
    "AWS::SQS::Queue": (
        Protection(("MessageRetentionPeriod",), _shorter(345600), "older messages are deleted"),
        Protection(("RedrivePolicy",), _gone, "messages that fail are deleted instead of kept"),
        _key("KmsMasterKeyId"),
    ),
    "AWS::StepFunctions::StateMachine": (
        Protection(("LoggingConfiguration", "Level"), _lower_level, "less of its executions is logged", "gates"),
        Protection(("LoggingConfiguration",), _gone, "its executions are no longer logged", "gates"),
    ),
}
