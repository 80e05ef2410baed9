"""Publication of a release's configuration: validated first, completed after interruptions, and reversible."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from vectora_shared.config.client import ClientConfig
from vectora_shared.config.publication import RECORD_KEY, Publication, publish, publish_client
from vectora_shared.config.yaml_file import parse_yaml
from vectora_shared.errors import ConfigurationError

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


def _version(body: bytes) -> str:
    return ClientConfig.model_validate(parse_yaml("client", body).data).client_profile.version


def _with_version(body: bytes, version: str) -> bytes:
    """Return the file with another version, and no other change."""
    return body.replace(_version(body).encode(), version.encode())


def _published(s3: Any) -> dict[str, bytes]:
    return {key: body for (_, key), body in s3.objects.items() if key != RECORD_KEY}


def test_the_bucket_holds_the_releases_files_and_a_record_of_them(s3: Any) -> None:
    files = _content()
    publication = _publish(s3, files)
    assert _published(s3) == files
    assert set(publication.written) == set(files)
    record = json.loads(s3.objects[BUCKET, RECORD_KEY])
    assert (record["state"], record["digest"], set(record["keys"])) == ("published", "d1", set(files))


def test_unchanged_files_are_not_written_again(s3: Any) -> None:
    files = _content()
    _publish(s3, files)
    s3.puts.clear()
    changed = {**files, "clients/lai_weekly.yaml": _with_version(files["clients/lai_weekly.yaml"], "8.0.0")}
    publication = _publish(s3, changed, "d2")
    assert publication.written == ("clients/lai_weekly.yaml",)
    assert [key for key in s3.puts if key != RECORD_KEY] == ["clients/lai_weekly.yaml"]


def test_a_file_that_was_edited_in_the_bucket_is_restored(s3: Any) -> None:
    files = _content()
    _publish(s3, files)
    s3.objects[BUCKET, "clients/lai_weekly.yaml"] = b"edited by hand"
    assert _publish(s3, files).written == ("clients/lai_weekly.yaml",)
    assert _published(s3) == files


def test_only_files_of_a_publication_are_deleted(s3: Any) -> None:
    files = _content()
    second = files["clients/lai_weekly.yaml"].replace(b"client_id: lai_weekly", b"client_id: other")
    _publish(s3, {**files, "clients/other.yaml": second})
    s3.objects[BUCKET, "clients/lai_weekly_v6.yaml"] = b"from before"
    publication = _publish(s3, files, "d2")
    assert publication.deleted == ("clients/other.yaml",)
    assert _published(s3) == {**files, "clients/lai_weekly_v6.yaml": b"from before"}


def test_prompts_that_no_release_published_are_deleted_because_a_run_loads_all(s3: Any) -> None:
    s3.objects[BUCKET, "canonical/prompts/old.yaml"] = b"prompt: old\n"
    s3.objects[BUCKET, "canonical/sources/old.yaml"] = b"sources: []\n"
    assert _publish(s3, _content()).deleted == ("canonical/prompts/old.yaml",)
    assert (BUCKET, "canonical/sources/old.yaml") in s3.objects


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


def test_an_invalid_archive_is_refused_before_anything_is_written(s3: Any) -> None:
    with pytest.raises(ConfigurationError, match="not a zip file"):
        publish(s3, archive=b"rubbish", digest="d", bucket=BUCKET)
    assert s3.objects == {}


class _DyingError(Exception):
    """Stand-in for a kill of the function."""


def _die_at(s3: Any, operation: int) -> None:
    """Kill the function just before the n-th change of the bucket."""
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
def test_a_publication_interrupted_at_any_point_is_completed_by_the_next(s3: Any, then: str) -> None:
    old = _content()
    second = old["clients/lai_weekly.yaml"].replace(b"client_id: lai_weekly", b"client_id: other")
    bumped = {key: _with_version(body, "9.0.0") for key, body in old.items() if key.startswith("clients/")}
    new = {key: body + b"# new\n" for key, body in {**old, **bumped}.items()} | {
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


CLIENT = "clients/lai_weekly.yaml"


@pytest.mark.parametrize(
    ("old", "new", "bump"),
    [
        (b"# LAI Intelligence", b"# The LAI Intelligence", "--patch"),
        (b"max_items_total: 20", b"max_items_total: 19", "--minor"),
        (b"      max_items: 6", b"      max_items: 5", "--major"),
    ],
)
def test_a_client_file_that_changed_without_a_new_version_is_refused_with_the_required_one(
    s3: Any, old: bytes, new: bytes, bump: str
) -> None:
    files = _content()
    _publish(s3, files)
    s3.puts.clear()
    with pytest.raises(ConfigurationError, match=rf"clients/lai_weekly\.yaml .* is still .*{bump}"):
        _publish(s3, {**files, CLIENT: files[CLIENT].replace(old, new)}, "d2")
    assert s3.puts == []


def test_going_back_to_an_earlier_version_needs_no_bump(s3: Any) -> None:
    files = _content()
    later = {**files, CLIENT: _with_version(files[CLIENT], "9.0.0")}
    _publish(s3, later, "d2")
    _publish(s3, files, "d1")
    assert _published(s3) == files


def test_a_promoted_file_stays_until_a_release_has_its_version(s3: Any) -> None:
    files = _content()
    _publish(s3, files)
    promoted = _with_version(files[CLIENT].replace(b"max_items_total: 20", b"max_items_total: 9"), "9.0.0")
    publish_client(s3, bucket=BUCKET, client_id="lai_weekly", body=promoted)
    assert _published(s3)[CLIENT] == promoted

    _publish(s3, {**files, CLIENT: _with_version(files[CLIENT], "8.5.0")}, "older")
    assert _published(s3)[CLIENT] == promoted

    _publish(s3, {**files, CLIENT: promoted}, "same")
    following = {**files, CLIENT: _with_version(files[CLIENT], "9.1.0")}
    _publish(s3, following, "newer")
    assert _published(s3) == following
    _publish(s3, files, "back")
    assert _published(s3) == files, "a release brought it since: it is no file by itself any more"


def test_a_release_with_other_content_for_a_promoted_version_is_refused(s3: Any) -> None:
    files = _content()
    _publish(s3, files)
    publish_client(s3, bucket=BUCKET, client_id="lai_weekly", body=_with_version(files[CLIENT], "9.0.0"))
    other = _with_version(files[CLIENT].replace(b"max_items_total: 20", b"max_items_total: 9"), "9.0.0")
    with pytest.raises(ConfigurationError, match=r"is still 9\.0\.0"):
        _publish(s3, {**files, CLIENT: other}, "d2")


def test_an_invalid_client_file_is_not_promoted(s3: Any) -> None:
    files = _content()
    _publish(s3, files)
    s3.puts.clear()
    with pytest.raises(ConfigurationError, match="names 'nothing'"):
        publish_client(
            s3,
            bucket=BUCKET,
            client_id="lai_weekly",
            body=files[CLIENT].replace(b"technology_scope: lai_keywords", b"technology_scope: nothing"),
        )
    assert s3.puts == []
