"""Protections that have the same name in many services: a property of any resource, known by its last word."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from change_review.model import Category
from change_review.values import MISSING, canonical, differences

Weaker = Callable[[Any, Any], bool]
_NUMBER = re.compile(r"\d+(?:[._-]\d+)?")
# Functions write elsewhere without it, and lose nothing.
_NO_LOSS = frozenset({("AWS::Lambda::Function", "LoggingConfig")})


@dataclass(frozen=True)
class General:
    """A property by the pattern of its name; `is_public` says that a new resource with it is open to everyone."""

    name: re.Pattern[str]
    is_weaker: Weaker
    why: str
    category: Category
    is_public: bool = False


def _is_true(value: Any) -> bool:
    return str(canonical(value)).lower() in ("true", "enabled", "active", "on", "required")


def _no_longer_true(before: Any, after: Any) -> bool:
    return _is_true(before) and not _is_true(after)


def _now_true(before: Any, after: Any) -> bool:
    return _is_true(after) and not _is_true(before)


def _now_none(before: Any, after: Any) -> bool:
    return bool(canonical(after) == "NONE" and canonical(before) != "NONE")


def _gone(before: Any, after: Any) -> bool:
    return before is not MISSING and after is MISSING


def _smaller(before: Any, after: Any) -> bool:
    old, new = _number(before), _number(after)
    return old is not None and new is not None and new < old


def _larger(before: Any, after: Any) -> bool:
    return _smaller(after, before)


def _number(value: Any) -> float | None:
    try:
        return None if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return None


def _gains(before: Any, after: Any) -> bool:
    """Return whether a list, or a single value, has an entry that it had not."""
    return after is not MISSING and any(each not in _entries(before) for each in _entries(after))


def _loses(before: Any, after: Any) -> bool:
    return any(each not in _entries(after) for each in _entries(before))


def _entries(value: Any) -> list[Any]:
    found = [] if value is MISSING else value
    return [canonical(each) for each in (found if isinstance(found, list) else [found])]


def _older_protocol(before: Any, after: Any) -> bool:
    """Return whether a protocol or policy such as TLSv1.2_2021 allows an older version; none is the oldest."""
    old, new = _protocol(before), _protocol(after)
    return old is not None and new is not None and new < old


def _protocol(value: Any) -> float | None:
    if value is MISSING:
        return 0.0
    found = _NUMBER.search(str(canonical(value)))
    return float(found[0].replace("_", ".").replace("-", ".")) if found else None


def _of(pattern: str, is_weaker: Weaker, why: str, category: Category, *, is_public: bool = False) -> General:
    return General(re.compile(pattern), is_weaker, why, category, is_public)


_DELETED = "it can be deleted with one call"
_ANYONE = "anyone can call it"
GENERAL: Sequence[General] = (
    _of(r"(Enable)?(Deletion|Termination)Protection(Enabled)?", _no_longer_true, _DELETED, "data"),
    _of(r"(Enable)?PointInTimeRecovery(Enabled)?", _no_longer_true, "it cannot be restored to a point in time", "data"),
    _of(
        r"\w*Retention(Period|Days|Limit|Hours|InDays|InHours|PeriodInDays|PeriodInHours|PeriodHours|PeriodDays)",
        _smaller,
        "what is older is deleted",
        "data",
    ),
    _of(r"(MoveToColdStorage|Delete)AfterDays", _smaller, "backups are deleted earlier", "data"),
    _of(r"DeleteOnTermination", _now_true, "its blocks are deleted with the machine", "data"),
    _of(r"PubliclyAccessible|AllowUnauthenticatedIdentities|EndpointPublicAccess", _now_true,
        "everyone can reach it", "permissions", is_public=True),
    _of(r"MapPublicIpOnLaunch|AssociatePublicIpAddress|DirectInternetAccess", _now_true,
        "it gets a public address", "permissions"),
    _of(r"AllowExternalPrincipals|AutoAcceptSharedAttachments", _now_true, "other accounts can be let in",
        "permissions"),
    _of(r"Privileged(Mode)?", _now_true, "its containers are root on their host", "permissions"),
    _of(r"Auth(orization|entication)?Type", _now_none, _ANYONE, "permissions", is_public=True),
    _of(r"AuthenticationType|DefaultAuthorizationType", lambda _old, new: canonical(new) == "API_KEY",
        "everyone with its key can call it", "permissions"),
    _of(r"ApiKeyRequired|AllowAdminCreateUserOnly|DisableExecuteApiEndpoint|AcceptanceRequired|"
        r"EnableIAMDatabaseAuthentication|IamAuthEnabled", _no_longer_true, "more callers are let in", "permissions"),
    _of(r"BlockPublicAcls|BlockPublicPolicy|IgnorePublicAcls|RestrictPublicBuckets", _no_longer_true,
        "public access is possible", "permissions"),
    _of(r"Principals|AllowedPrincipals|AllowedAccountIds|SharedAccountIds|PublicAccessCidrs|TrustedAccounts|LaunchPermissions",
        _gains, "it is shared with more", "permissions"),
    _of(r"ObjectOwnership", lambda old, new: canonical(old) == "BucketOwnerEnforced" != canonical(new),
        "access lists of objects count again", "permissions"),
    _of(r"\w*(Encrypted|EncryptionEnabled|SSEEnabled|SseEnabled|EncryptionInTransit)|EnforceHTTPS|RequireSSL|RequireTLS|"
        r"NodeToNodeEncryption", _no_longer_true, "it is no longer encrypted", "gates"),
    _of(r"\w*(Kms|KMS)\w*Key\w*|EncryptionKey(Arn|Id)?|KmsKey", _gone,
        "it is no longer encrypted with the project's key", "gates"),
    _of(r"SSEAlgorithm", lambda old, new: str(canonical(old)).startswith("aws:kms") and canonical(new) == "AES256",
        "it is no longer encrypted with a key of KMS", "gates"),
    _of(r"ViewerProtocolPolicy", lambda old, new: canonical(new) == "allow-all" != canonical(old),
        "plain HTTP is let through", "gates"),
    _of(r"MinimumProtocolVersion|SecurityPolicy|TLSSecurityPolicy|SslPolicy|MinimumTlsVersion", _older_protocol,
        "older protocols are let through", "gates"),
    _of(r"AccessLogSettings?|LoggingConfig(uration)?|LoggingProperties|LogPublishingOptions|EnableLogFileValidation|"
        r"IsMultiRegionTrail|IncludeGlobalServiceEvents|CloudWatchLogsLogGroupArn|EnableLogging", _gone,
        "less is logged", "gates"),
    _of(r"EnableLogFileValidation|IsMultiRegionTrail|IncludeGlobalServiceEvents|LoggingEnabled|EnableLogging|"
        r"DataTraceEnabled", _no_longer_true, "less is logged", "gates"),
    _of(r"EnableCloudwatchLogsExports", _loses, "less is logged", "gates"),
    _of(r"DestinationConfig|DeadLetterConfig|DeadLetterArn|OnFailure", _gone, "what fails is lost unseen", "gates"),
    _of(r"WebACL(Id|Arn)", _gone, "its firewall no longer applies", "gates"),
    _of(r"MfaConfiguration|HttpTokens|ScanOnPush|RequireSymbols|RequireNumbers|RequireUppercase|RequireLowercase",
        _no_longer_true, "it is protected less", "gates"),
    _of(r"MinimumLength|MinimumPasswordLength", _smaller, "shorter passwords are let through", "gates"),
    _of(r"ImageTagMutability", lambda old, new: canonical(old) == "IMMUTABLE" != canonical(new),
        "an image can be replaced under its tag", "gates"),
    _of(r"RotationPeriodInDays|AutomaticallyAfterDays", _larger, "it is rotated less often", "gates"),
    _of(r"RotationRules|RotationLambdaARN", _gone, "it is no longer rotated", "gates"),
)  # fmt: skip


def general_weakenings(
    resource_type: str, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[tuple[tuple[str, ...], General, Any, Any]]:
    """Yield path, protection and values of each property that protects less, wherever in the resource it is."""
    for path, old, new in differences(before, after):
        for place, one, other in _leaves(path, old, new):
            name = next((each for each in reversed(place) if not each.isdigit()), "")
            if (resource_type, name) in _NO_LOSS:
                continue
            found = next((each for each in _of_name(name) if each.is_weaker(one, other)), None)
            if found:
                yield place, found, one, other


@cache
def _of_name(name: str) -> tuple[General, ...]:
    return tuple(each for each in GENERAL if each.name.fullmatch(name))


def _leaves(path: tuple[str, ...], before: Any, after: Any) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    """Yield a difference, and the parts of a mapping that only one side has."""
    yield path, before, after
    sides = [each if isinstance(each, Mapping) else {} for each in (before, after)]
    if MISSING in (before, after):
        for key in {**sides[0], **sides[1]}:
            yield from _leaves((*path, str(key)), *(side.get(key, MISSING) for side in sides))
