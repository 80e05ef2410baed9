"""Packages for Lambda and for the config bucket: zip files whose bytes depend on the commit alone."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vectora_constructs.runtime import RUNTIME
from vectora_shared.config.client import LANGUAGES
from vectora_shared.errors import VectoraError

LambdaPlatform = Literal["lambda", "host"]
DEPENDENCIES_LOCK = Path("lambda_src/requirements.txt")
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
# Lambda's Amazon Linux 2023 has glibc 2.34; wheels for any of these run there.
ARM64_TAGS = ("manylinux_2_34_aarch64", "manylinux_2_28_aarch64", "manylinux_2_17_aarch64", "manylinux2014_aarch64")
RELAY_MODULES = (
    "vectora_ops/__init__.py",
    "vectora_ops/account.py",
    "vectora_ops/names.py",
    "vectora_ops/progress.py",
    "vectora_ops/promotion/__init__.py",
    "vectora_ops/promotion/job.py",
    "vectora_ops/remote.py",
    "vectora_shared/__init__.py",
    "vectora_shared/aws.py",
    "vectora_shared/aws_errors.py",
    "vectora_shared/aws_texts.py",
    "vectora_shared/errors.py",
    "vectora_shared/keys.py",
)
REVIEW_MODULES = (
    "vectora_ops/__init__.py",
    "vectora_ops/people.py",
    "vectora_shared/__init__.py",
    "vectora_shared/aws.py",
    "vectora_shared/aws_texts.py",
    "vectora_shared/errors.py",
    "vectora_shared/notifications.py",
)
# Files that git may check out with other line ends (git-config, core.autocrlf); all others are read as they are.
TEXT_SUFFIXES = frozenset(
    (".css", ".html", ".in", ".ini", ".j2", ".json", ".md", ".py", ".toml", ".txt", ".xml", ".yaml", ".yml")
)


def platform_of(context: object) -> LambdaPlatform:
    """Return the platform that the context value `lambda-platform` names: Lambda's own, or host for the rehearsal."""
    if context in (None, "lambda"):
        return "lambda"
    if context == "host":
        return "host"
    raise VectoraError(f"Context lambda-platform is '{context}': choose lambda (the default) or host (the rehearsal).")


@dataclass(frozen=True)
class Package:
    """A zip file; `digest` identifies its sources and does not depend on the machine's zlib."""

    path: Path
    digest: str


class Packages:
    """Packages of the commit at `root`; each is built once and stored under build/packages/."""

    def __init__(self, root: Path, platform: LambdaPlatform) -> None:
        """Read the commit at `root`; platform host is for the rehearsal, whose functions run on this machine."""
        self._root = root
        self._platform = platform
        self._folder = root / "build" / "packages"

    def function(self, folder: str) -> Package:
        """Return a function's own code: its handler, and nothing that a layer contains."""
        base = self._root / "lambda_src" / folder
        return self._from_files(f"function-{folder}", base, files_below(self._root, base), prefix="")

    def engine_layer(self) -> Package:
        base = self._root / "lambda_src"
        return self._from_files("vectora-core", base, self._sources("vectora_core", "vectora_shared"), prefix="python/")

    def operations_layer(self) -> Package:
        """Return the code of the operations functions; it does not depend on the engine's layer."""
        base = self._root / "lambda_src"
        return self._from_files("vectora-ops", base, self._sources("vectora_ops", "vectora_shared"), prefix="python/")

    def review(self) -> Package:
        """Return the code of the pipeline's review: alone, so that other changes leave the pipeline as it is."""
        base = self._root / "lambda_src"
        files = [file for path in (*REVIEW_MODULES, "vectora_review") for file in files_below(self._root, base / path)]
        return self._from_files("vectora-review", base, files, prefix="")

    def relay(self) -> Package:
        """Return the pipeline's relay with the modules that it imports, which need nothing but Lambda's runtime.

        The pipeline changes when the package does, so it has no more than these.
        """
        base = self._root / "lambda_src"
        files = [*files_below(self._root, base / "pipeline_relay"), *(base / module for module in RELAY_MODULES)]
        return self._from_files("pipeline-relay", base, files, prefix="")

    def configuration(self) -> Package:
        base = self._root / "config"
        files = [file for name in ("canonical", "clients") for file in files_below(self._root, base / name)]
        return self._from_files("configuration", base, files, prefix="")

    def dependencies_layer(self) -> Package:
        """Return the third-party packages of the hash-locked list, for Lambda's platform or for this machine's."""
        lock = self._root / DEPENDENCIES_LOCK
        target = _target(self._platform)
        digest = dependencies_digest(self._root, self._platform)
        package = Package(self._folder / f"common-deps-{digest}.zip", digest)
        if not package.path.exists():
            print(
                f"Building layer common-deps for {target} (once for each change of {DEPENDENCIES_LOCK}) ...",
                file=sys.stderr,
            )
            with tempfile.TemporaryDirectory() as scratch:
                install_dependencies(lock, Path(scratch), self._platform)
                write_zip(package.path, Path(scratch), files_below(Path(scratch), Path(scratch)), prefix="python/")
        return package

    def _sources(self, *packages: str) -> list[Path]:
        base = self._root / "lambda_src"
        return [file for name in packages for file in files_below(self._root, base / name)]

    def _from_files(self, name: str, base: Path, files: list[Path], *, prefix: str) -> Package:
        if not files:
            raise VectoraError(f"{base} holds no files: package {name} cannot be built; is the checkout complete?")
        digest = files_digest(base, files)
        package = Package(self._folder / f"{name}-{digest}.zip", digest)
        if not package.path.exists():
            write_zip(package.path, base, files, prefix=prefix, read=with_unix_line_ends)
        return package


def dependencies_digest(root: Path, platform: LambdaPlatform) -> str:
    """Return the digest of the dependencies layer: that of the lock file, and of its platform and languages."""
    lock = with_unix_line_ends(root / DEPENDENCIES_LOCK)
    options = "\0".join((_target(platform), *LANGUAGES))
    return hashlib.sha256(options.encode() + b"\0" + lock).hexdigest()


def _target(platform: LambdaPlatform) -> str:
    host = f"{sys.platform}-{os.uname().machine}-{sys.version_info.major}.{sys.version_info.minor}"
    return f"{RUNTIME}-arm64" if platform == "lambda" else host


def write_zip(
    path: Path, base: Path, files: list[Path], *, prefix: str, read: Callable[[Path], bytes] = Path.read_bytes
) -> None:
    """Write a zip whose bytes depend on names and contents alone; an interrupted write leaves no file behind."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".partial", delete=False) as stream:
        partial = Path(stream.name)
        try:
            with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
                for file in files:
                    entry = zipfile.ZipInfo(prefix + file.relative_to(base).as_posix(), ZIP_EPOCH)
                    entry.compress_type = zipfile.ZIP_DEFLATED
                    entry.external_attr = 0o644 << 16
                    archive.writestr(entry, read(file))
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)


def install_dependencies(lock: Path, target: Path, platform: LambdaPlatform) -> None:
    """Install the locked wheels into `target`, without the files that differ from one installation to the next.

    Raises VectoraError with pip's own words when a wheel is missing or its hash is wrong.
    """
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    command += ["--require-hashes", "--only-binary=:all:", "--no-deps", "--target", str(target), "-r", str(lock)]
    if platform == "lambda":
        command += ["--implementation", "cp", "--python-version", RUNTIME.removeprefix("python")]
        command += [argument for tag in ARM64_TAGS for argument in ("--platform", tag)]
    result = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    if result.returncode:
        raise VectoraError(f"The layer common-deps cannot be built from {lock}:\n{result.stderr.strip()}")
    shutil.rmtree(target / "bin", ignore_errors=True)
    for record in target.glob("*.dist-info/*"):
        if record.name in ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json"):
            record.unlink()
    _remove_other_languages(target / "babel" / "locale-data")


def _remove_other_languages(locale_data: Path) -> None:
    """Remove Babel's data of languages that no newsletter has: they are 30 of its 33 MB."""
    for file in locale_data.glob("*.dat"):
        if file.stem != "root" and file.stem.partition("_")[0] not in LANGUAGES:
            file.unlink()


def files_below(root: Path, folder: Path) -> list[Path]:
    """Return the files of the commit below `folder` (or `folder` itself, a file), sorted by their path in `root`."""
    files = [folder] if folder.is_file() else [path for path in folder.rglob("*") if path.is_file()]
    chosen = [path for path in files if not _is_excluded(path.relative_to(root))]
    return sorted(chosen, key=lambda path: path.relative_to(root).as_posix())


def _is_excluded(path: Path) -> bool:
    return path.suffix == ".pyc" or any(part == "__pycache__" or part.startswith(".") for part in path.parts)


def with_unix_line_ends(path: Path) -> bytes:
    """Return the bytes of a file; those of a text file with LF line ends, however it was checked out."""
    content = path.read_bytes()
    return content.replace(b"\r\n", b"\n") if path.suffix in TEXT_SUFFIXES else content


def files_digest(root: Path, files: Iterable[Path]) -> str:
    """Return SHA-256 over the names (relative to `root`) and contents of `files`, in the order given."""
    digest = hashlib.sha256()
    for path in files:
        content = with_unix_line_ends(path)
        digest.update(f"{path.relative_to(root).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()
