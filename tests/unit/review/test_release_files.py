"""Files of a release: a review compares with them as with a commit, without git."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from change_review.release_files import DIGESTS, digests_of, packed_release_files, read_release_files
from change_review.review import Limits, review_since_release
from checkout.git import Git
from cli.__main__ import app
from tests.repository import ROOT
from tests.unit.review.conftest import TODAY, Checkout
from vectora_shared.errors import VectoraError

SETTINGS = "config/environments.yaml"


def _without_history(checkout: Checkout, folder: Path) -> Path:
    """Return the checkout as a build of CodePipeline gets it."""
    return Path(shutil.copytree(checkout.root, folder, ignore=shutil.ignore_patterns(".git")))


def test_a_release_is_compared_as_its_commit_is(checkout: Checkout, tmp_path: Path) -> None:
    kept = read_release_files("commit 1", packed_release_files(_without_history(checkout, tmp_path / "before")))
    checkout.replace(SETTINGS, "soak_days: 14", "soak_days: 7")
    (checkout.root / "notes.md").write_text("New.\n", encoding="utf-8")
    by_commit = checkout.review()

    after = _without_history(checkout, tmp_path / "after")
    review = review_since_release(after, kept, Limits(today=TODAY), "commit 2")

    assert (review.base.name, review.head.name) == ("commit 1", "commit 2")
    for part in ("verdict", "counts", "findings", "settings", "releases", "other_files", "notes", "cost"):
        assert getattr(review, part) == getattr(by_commit, part), part


def test_the_same_files_have_the_same_bytes(checkout: Checkout, tmp_path: Path) -> None:
    first = packed_release_files(_without_history(checkout, tmp_path / "first"))
    assert packed_release_files(checkout.root) == first


def test_a_checkout_without_history_has_the_files_that_git_knows(tmp_path: Path) -> None:
    paths = [each for each in Git(ROOT).output("ls-files", "-z").split("\0") if each]
    for path in paths:
        if (ROOT / path).is_file():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / path, tmp_path / path)
    known = digests_of(tmp_path)
    # What set-up and build leave, which git ignores.
    for ignored in (".venv/bin/python", "node_modules/x/y.js", "build/a", "cdk.out/manifest.json", "cli/__pycache__/x"):
        (tmp_path / ignored).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / ignored).write_text("x", encoding="utf-8")
    (tmp_path / ".mypy_cache").mkdir()
    (tmp_path / ".mypy_cache" / "x").write_text("x", encoding="utf-8")

    assert digests_of(tmp_path) == known
    assert set(known) == {each for each in paths if (ROOT / each).is_file() and not (ROOT / each).is_symlink()}


def test_only_files_that_a_review_reads_come_out_of_the_zip_file() -> None:
    body = _zip({DIGESTS: b"{}", "config/../../evil.py": b"x", "cli/review.py": b"x", SETTINGS: b"project: x\n"})
    release = read_release_files("r", body)
    assert "cli/review.py" not in release.files.by_path
    assert release.files.read(SETTINGS) == b"project: x\n"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no zip file",
        pytest.param(b"PK\x05\x06" + b"\0" * 18, id="empty zip file"),
    ],
)
def test_what_is_no_release_is_refused_in_one_sentence(body: bytes) -> None:
    with pytest.raises(VectoraError, match=r"are no release-files\.zip of a release"):
        read_release_files("base.zip", body)


def test_damaged_and_oversized_files_are_refused() -> None:
    good = _zip({DIGESTS: b"{}", SETTINGS: b"project: x\n" * 50})
    broken = bytearray(good)
    broken[60:90] = b"\0" * 30
    with pytest.raises(VectoraError, match=r"are no release-files\.zip"):
        read_release_files("base.zip", bytes(broken))
    with pytest.raises(VectoraError, match=r"digests\.json of base\.zip is no JSON object"):
        read_release_files("base.zip", _zip({DIGESTS: b"[]"}))
    bomb = _zip({DIGESTS: b"{}", SETTINGS: b"\0" * (17 * 1024 * 1024)})
    assert len(bomb) < 100_000
    with pytest.raises(VectoraError, match="larger than those of any release"):
        read_release_files("base.zip", bomb)


def test_the_command_compares_with_a_file_and_names_one_that_is_missing(tmp_path: Path) -> None:
    file = tmp_path / "release.zip"
    file.write_bytes(packed_release_files(ROOT))
    shown = CliRunner().invoke(app, ["review", "--base", str(file), "--json"])
    assert shown.exit_code == 0, shown.output
    assert json.loads(shown.stdout)["verdict"] == "Nothing changes."
    missing = CliRunner().invoke(app, ["review", "--base", str(tmp_path / "other.zip")])
    assert missing.exit_code == 64
    assert "cannot be read (No such file or directory)" in missing.stderr.replace("\n", " ")


def _zip(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    return buffer.getvalue()
