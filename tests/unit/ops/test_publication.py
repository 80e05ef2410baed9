"""A release's configuration content: validated before the first write, complete after any interruption, put back."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from vectora_core.config.publication import RECORD_KEY, Publication, publish
from vectora_core.errors import ConfigurationError

CONFIG = Path(__file__).resolve().parents[3] / "config"
BUCKET = "config-bucket"


def _content() -> dict[str, bytes]:
    files = [path for folder in ("canonical", "clients") for path in (CONFIG / folder).rglob("*.*")]
    return {path.relative_to(CONFIG).as_posix(): path.read_bytes() for path in files}


def _archive(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    return stream.getvalue()


def _publish(s3: Any, files: dict[str, bytes], digest: str = "d1") -> Publication:
    return publish(s3, archive=_archive(files), digest=digest, bucket=BUCKET)


def _published(s3: Any) -> dict[str, bytes]:
    return {key: body for (_, key), body in s3.objects.items() if key != RECORD_KEY}


def test_the_bucket_holds_the_releases_files_and_a_record_of_them(s3: Any) -> None:
    files = _content()
    publication = _publish(s3, files)
    assert _published(s3) == files
    assert set(publication.written) == set(files)
    record = json.loads(s3.objects[BUCKET, RECORD_KEY])
    assert (record["state"], record["digest"], set(record["keys"])) == ("published", "d1", set(files))


def test_what_did_not_change_is_not_written_again(s3: Any) -> None:
    files = _content()
    _publish(s3, files)
    s3.puts.clear()
    changed = {**files, "clients/lai_weekly.yaml": files["clients/lai_weekly.yaml"] + b"# a comment\n"}
    publication = _publish(s3, changed, "d2")
    assert publication.written == ("clients/lai_weekly.yaml",)
    assert [key for key in s3.puts if key != RECORD_KEY] == ["clients/lai_weekly.yaml"]


def test_what_somebody_edited_in_the_bucket_is_put_right(s3: Any) -> None:
    files = _content()
    _publish(s3, files)
    s3.objects[BUCKET, "clients/lai_weekly.yaml"] = b"edited by hand"
    assert _publish(s3, files).written == ("clients/lai_weekly.yaml",)
    assert _published(s3) == files


def test_only_what_a_publication_wrote_is_deleted(s3: Any) -> None:
    files = _content()
    second = files["clients/lai_weekly.yaml"].replace(b"client_id: lai_weekly", b"client_id: other")
    _publish(s3, {**files, "clients/other.yaml": second})
    s3.objects[BUCKET, "clients/lai_weekly_v6.yaml"] = b"from before"
    publication = _publish(s3, files, "d2")
    assert publication.deleted == ("clients/other.yaml",)
    assert _published(s3) == {**files, "clients/lai_weekly_v6.yaml": b"from before"}


def test_publishing_the_old_content_again_restores_it(s3: Any) -> None:
    old = _content()
    _publish(s3, old, "old")
    second = old["clients/lai_weekly.yaml"].replace(b"client_id: lai_weekly", b"client_id: other")
    _publish(s3, {**old, "clients/other.yaml": second}, "new")
    _publish(s3, old, "old")
    assert _published(s3) == old
    assert json.loads(s3.objects[BUCKET, RECORD_KEY])["digest"] == "old"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"clients/lai_weekly.yaml": b"client_profile: 1\n"},
            "clients/lai_weekly.yaml, line 1, column 1: key 'client_profile'",
        ),
        ({"canonical/scopes/companies.yaml": None}, "canonical/scopes/companies.yaml"),
        ({"elsewhere/file.yaml": b"a: 1\n"}, "elsewhere/file.yaml"),
    ],
)
def test_invalid_content_is_refused_before_anything_is_written(
    s3: Any, change: dict[str, bytes | None], sentence: str
) -> None:
    files = {**_content(), **change}
    with pytest.raises(ConfigurationError) as caught:
        _publish(s3, {key: body for key, body in files.items() if body is not None})
    assert sentence in str(caught.value)
    assert s3.objects == {}


def test_what_is_no_archive_is_refused_before_anything_is_written(s3: Any) -> None:
    with pytest.raises(ConfigurationError, match="not a zip file"):
        publish(s3, archive=b"rubbish", digest="d", bucket=BUCKET)
    assert s3.objects == {}


class _DyingError(Exception):
    """Stands for a kill of the function."""


def _die_at(s3: Any, operation: int) -> None:
    """Let the function die just before the n-th change of the bucket."""
    left = [operation]

    def dying(original: Any) -> Any:
        def call(**request: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                raise _DyingError
            return original(**request)

        return call

    s3.put_object, s3.delete_object = dying(s3.put_object), dying(s3.delete_object)


@pytest.mark.parametrize("then", ["the same again", "back to the old"])
def test_wherever_a_publication_dies_the_next_one_completes(s3: Any, then: str) -> None:
    old = _content()
    second = old["clients/lai_weekly.yaml"].replace(b"client_id: lai_weekly", b"client_id: other")
    new = {key: body + b"# new\n" for key, body in old.items()} | {
        "clients/third.yaml": second.replace(b"other", b"third")
    }
    old = {**old, "clients/other.yaml": second}
    for step in range(len(new) + 3):
        s3.objects.clear()
        _publish(s3, old, "old")
        put, delete = s3.put_object, s3.delete_object
        _die_at(s3, step)
        with pytest.raises(_DyingError):
            _publish(s3, new, "new")
        s3.put_object, s3.delete_object = put, delete
        target = new if then == "the same again" else old
        _publish(s3, target, "next")
        assert _published(s3) == target, f"died before change {step}"
