"""The documentation's site: it builds without a warning and loads nothing from other hosts."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from mkdocs.structure.files import File, Files

from tests.repository import ROOT
from tools.docs_hooks import MERMAID, SCRIPTS, SEARCH_FROM_DISK, rewritten_links


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    build = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not build.returncode, build.stderr
    assert "WARNING" not in build.stderr
    return folder


def test_every_page_is_built(site: Path) -> None:
    pages = [path for path in (ROOT / "docs").rglob("*.md") if path.name not in ("index.md", "README.md")]

    assert [page for page in pages if not (site / page.relative_to(ROOT / "docs").with_suffix(".html")).exists()] == []
    assert (site / "index.html").exists()


def test_no_page_loads_anything_from_another_host(site: Path) -> None:
    loads = re.compile(r"<(?:script|link|img|iframe|source)\b[^>]*?\b(?:src|href)=[\"']?(?:https?:)?//[^>]*>")

    found = {page.name: loads.findall(page.read_text(encoding="utf-8")) for page in site.rglob("*.html")}

    assert {name: tags for name, tags in found.items() if tags} == {}


def test_pages_with_diagrams_load_the_local_mermaid_and_others_do_not(site: Path) -> None:
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert (MERMAID in text) == ('class="mermaid"' in text)
        # The theme loads one from a CDN only when none is there.
        assert MERMAID not in text or text.index(MERMAID) < text.index("assets/javascripts/bundle.")


@pytest.mark.parametrize("address", SCRIPTS)
def test_the_local_scripts_are_part_of_the_site(site: Path, address: str) -> None:
    assert (site / address).read_bytes() == SCRIPTS[address].read_bytes()


def test_search_works_from_disk(site: Path) -> None:
    assert SEARCH_FROM_DISK in (site / "index.html").read_text(encoding="utf-8")


def _files(*paths: str) -> Files:
    return Files([File(path, src_dir=None, dest_dir="site", use_directory_urls=False) for path in paths])


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("[gates](gates.md#soak)", "[gates](gates.md#soak)"),
        ("[ADR 1](../adr/0001.md)", "[ADR 1](../adr/0001.md)"),
        ("[decisions](../adr/)", "[decisions](../adr/index.md)"),
        ("[what changed](../../CHANGELOG.md)", "[what changed](../CHANGELOG.md)"),
        ("[the stacks](../../stacks)", "the stacks (`stacks`)"),
        ("[`stacks/iam.py`](../../stacks/iam.py)", "`stacks/iam.py`"),
        ("[elsewhere](https://example.org/)", "[elsewhere](https://example.org/)"),
        ("[gone](../../stacks/gone.py)", "[gone](../../stacks/gone.py)"),
        ("`[the stacks](../../stacks)`", "`[the stacks](../../stacks)`"),
        ("```md\n[the stacks](../../stacks)\n```", "```md\n[the stacks](../../stacks)\n```"),
    ],
)
def test_links_work_on_the_site_as_they_do_in_the_repository(markdown: str, expected: str) -> None:
    files = _files("concepts/gates.md", "concepts/page.md", "adr/0001.md", "adr/index.md", "CHANGELOG.md")

    assert rewritten_links(markdown, "docs/concepts/page.md", files, "") == expected


def test_links_to_code_lead_to_the_repository_when_its_address_is_configured() -> None:
    markdown = rewritten_links("[stacks](stacks)", "CONTRIBUTING.md", _files(), "https://forge.example/blob/main/")

    assert markdown == "[stacks](https://forge.example/blob/main/stacks)"


def test_links_of_documents_in_the_top_level_folder_are_relative_to_it() -> None:
    files = _files("runbooks/rollback.md", "CHANGELOG.md")

    markdown = rewritten_links("[rollback](docs/runbooks/rollback.md)", "CHANGELOG.md", files, "")

    assert markdown == "[rollback](runbooks/rollback.md)"
