"""MkDocs hooks: pages of the top-level folder, patterns in the navigation, links to code, diagrams without a CDN."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from mkdocs.utils import get_relative_url

ROOT = Path(__file__).resolve().parent.parent
# Documents of the top-level folder that are pages of the site, under the same name.
TOP_LEVEL_PAGES = ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")
# Scripts that the theme would load from a CDN, by their address on the site; package-lock.json has their hashes.
MERMAID = "assets/javascripts/mermaid.tiny.js"
SEARCH_FROM_DISK = "assets/javascripts/iframe-worker.js"
SCRIPTS = {
    MERMAID: ROOT / "node_modules" / "@mermaid-js" / "tiny" / "dist" / "mermaid.tiny.js",
    SEARCH_FROM_DISK: ROOT / "node_modules" / "iframe-worker" / "shim" / "index.js",
}
_FENCE = re.compile(r"^( *)(```+|~~~+).*?^\1\2 *$", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL)
_LINK = re.compile(r"(?<!!)\[(?P<text>(?:[^\[\]]|\[[^\[\]]*\])*)\]\((?P<target>[^)\s]+)\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add documents of the top-level folder and scripts, and complete the navigation."""
    for name in TOP_LEVEL_PAGES:
        if (ROOT / name).exists():
            files.append(File.generated(config, name, abs_src_path=str(ROOT / name)))
    for address, script in SCRIPTS.items():
        if not script.exists():
            raise PluginError(f"{script.relative_to(ROOT)} is missing: run make setup.")
        files.append(File.generated(config, address, abs_src_path=str(script)))
    if config.nav:
        pages = [file.src_uri for file in files.documentation_pages()]
        config.nav = _expanded(config.nav, pages, set(_named(config.nav)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Rewrite links to files that are no pages, and links of top-level documents, which are relative to the top."""
    source = page.file.src_uri if page.file.src_uri in TOP_LEVEL_PAGES else f"docs/{page.file.src_uri}"
    return rewritten_links(markdown, source, files, _source_address(config))


def on_post_template(output_content: str, template_name: str, config: MkDocsConfig) -> str:
    """Use the local scripts also on the page for addresses that do not exist."""
    return _with_local_scripts(output_content, "") if template_name.endswith(".html") else output_content


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Use the local scripts on a page."""
    return _with_local_scripts(output, page.url)


def _with_local_scripts(html: str, address: str) -> str:
    """Return a page that loads no script from a CDN: the theme takes a Mermaid that is there already."""
    html = html.replace("https://unpkg.com/iframe-worker/shim", get_relative_url(SEARCH_FROM_DISK, address))
    if 'class="mermaid"' in html:
        html = html.replace("</head>", f'<script src="{get_relative_url(MERMAID, address)}"></script>\n</head>', 1)
    return html


def rewritten_links(markdown: str, source: str, files: Files, source_address: str) -> str:
    """Return a page of the repository's path `source` with links that work on the site."""
    pieces, position = [], 0
    for start, end in _code_spans(markdown):
        pieces += [_without_links_to_code(markdown[position:start], source, files, source_address)]
        pieces += [markdown[start:end]]
        position = end
    return "".join([*pieces, _without_links_to_code(markdown[position:], source, files, source_address)])


def _code_spans(markdown: str) -> Iterator[tuple[int, int]]:
    """Yield fenced blocks only: inline code may be the text of a link."""
    for match in _FENCE.finditer(markdown):
        yield match.span()


def _without_links_to_code(prose: str, source: str, files: Files, source_address: str) -> str:
    inline = [match.span() for match in _CODE.finditer(prose)]

    def rewritten(match: re.Match[str]) -> str:
        if any(start < match.start() < end for start, end in inline):
            return match.group()
        return _rewritten_link(match, source, files, source_address)

    return _LINK.sub(rewritten, prose)


def _rewritten_link(match: re.Match[str], source: str, files: Files, source_address: str) -> str:
    text, (path, hash_mark, anchor) = match["text"], match["target"].partition("#")
    if not path or re.match(r"[a-z]+:", path):
        return match.group()
    target = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
    page = _page_of(target, files)
    if page is not None:
        here = source.removeprefix("docs/")
        return f"[{text}]({posixpath.relpath(page, posixpath.dirname(here))}{hash_mark}{anchor})"
    if not (ROOT / target).exists():
        # Left as it is, so that MkDocs reports it.
        return match.group()
    if source_address:
        return f"[{text}]({source_address}{target}{hash_mark}{anchor})"
    return text if text.strip("`") == target else f"{text} (`{target}`)"


def _page_of(target: str, files: Files) -> str | None:
    """Return the site's file for a path in the repository; a folder is its index."""
    site_path = target if target in TOP_LEVEL_PAGES else target.removeprefix("docs/")
    if site_path == target and target not in TOP_LEVEL_PAGES:
        return None
    choices = (site_path, f"{site_path}/index.md", f"{site_path}/README.md")
    return next((choice for choice in choices if files.get_file_from_path(choice)), None)


def _source_address(config: MkDocsConfig) -> str:
    """Return the address that paths of the repository are appended to; empty when none is configured."""
    if not config.repo_url or not config.edit_uri:
        return ""
    return f"{config.repo_url.rstrip('/')}/{config.edit_uri.strip('/').removesuffix('docs').strip('/')}/"


def _named(nav: Any) -> Iterator[str]:
    if isinstance(nav, str):
        yield nav
    else:
        for each in nav.values() if isinstance(nav, dict) else nav:
            yield from _named(each)


def _expanded(nav: Any, pages: list[str], named: set[str]) -> Any:
    """Replace patterns in a navigation by the pages of that folder which it names nowhere."""
    if isinstance(nav, dict):
        return {title: _expanded(each, pages, named) for title, each in nav.items()}
    if isinstance(nav, list):
        return [page for each in nav for page in _pages(each, pages, named)]
    return nav


def _pages(entry: Any, pages: list[str], named: set[str]) -> list[Any]:
    if not isinstance(entry, str) or "*" not in entry:
        return [_expanded(entry, pages, named)]
    folder = posixpath.dirname(entry)
    return sorted(page for page in pages if posixpath.dirname(page) == folder and page not in named)
