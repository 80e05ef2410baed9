"""Days after which old versions of objects expire, by bucket."""

from __future__ import annotations

from tests.stacks.deployed import Templates


def _days(templates: Templates, bucket: str) -> int:
    rules = templates["s0-core"]["Resources"][bucket]["Properties"]["LifecycleConfiguration"]["Rules"]
    (rule,) = [each for each in rules if "NoncurrentVersionExpiration" in each]
    days: int = rule["NoncurrentVersionExpiration"]["NoncurrentDays"]
    return days


def test_the_buckets_of_the_running_system_keep_old_versions_longer(dev: Templates) -> None:
    adopted = ("ConfigBucket", "DataBucket", "NewslettersBucket", "LambdaCodeBucket")
    assert {bucket: _days(dev, bucket) for bucket in adopted} == dict.fromkeys(adopted, 3600)
    assert _days(dev, "AccessLogsBucket") == 30


def test_without_the_setting_all_buckets_are_alike(stage: Templates) -> None:
    assert {_days(stage, bucket) for bucket in ("DataBucket", "LambdaCodeBucket", "AccessLogsBucket")} == {90}
