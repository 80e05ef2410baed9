"""Check of the config buckets for objects that nothing reads."""

from __future__ import annotations

from collections.abc import Iterator

from botocore.exceptions import ClientError

from cli.doctor.finding import Check, Finding
from cli.doctor.subject import Subject
from cli.stray_objects import stray_keys, stray_sentence
from vectora_shared.aws_errors import is_absent
from vectora_shared.config.publication import RECORD_KEY
from vectora_shared.storage import Bucket

STRAY_OBJECTS = "stray objects"


def check_stray_objects(subject: Subject) -> Iterator[Finding]:
    """Name the stray objects of each environment; they decide nothing, so they are no failure."""
    for env in subject.envs:
        check = f"{STRAY_OBJECTS} of {env}"
        bucket = Bucket(subject.client("s3"), subject.settings.names(env).bucket("config"))
        try:
            keys = bucket.keys("")
        except ClientError as error:
            if not is_absent(error, "bucket"):
                raise
            yield Finding(check, "pass", f"{bucket.name} does not exist yet")
            continue
        published = (bucket.read_json(RECORD_KEY) or {}).get("keys", {}) if RECORD_KEY in keys else {}
        if strays := stray_keys(keys, published):
            yield Finding(check, "pass", stray_sentence(bucket.name, strays), "delete what you do not need")
        else:
            yield Finding(check, "pass", f"{len(keys):,} objects, each of which is read")


CHECK = Check(STRAY_OBJECTS, check_stray_objects)
