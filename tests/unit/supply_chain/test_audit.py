"""Known vulnerabilities stop a build unless they are answered, and an index that does not answer is never a pass."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from stacks.assets.release import AUDIT_FILE
from tests.repository import ROOT
from tools.supply_chain import __main__ as command
from tools.supply_chain import audit as audits
from tools.supply_chain.audit import Audit, Finding, audit, audit_of_npm, audit_of_python, sentences
from tools.supply_chain.inventory import LAYER_LOCK, NPM_LOCK, TOOLS_LOCKS
from tools.supply_chain.settings import Answer, load_supply_chain

TODAY = date(2026, 11, 26)
KNOWN = {
    "id": "GHSA-aaaa-bbbb-cccc",
    "aliases": ["CVE-2026-1"],
    "summary": "It runs what it reads.",
    "details": "Long.",
    "published": "2026-01-01T00:00:00Z",
    "modified": "2026-01-01T00:00:00Z",
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "bad"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.1"}]}],
        }
    ],
}
ADVISORY = {
    "id": 1,
    "url": "https://advisories.example/GHSA-dddd-eeee-ffff",
    "title": "It, too.",
    "severity": "high",
    "vulnerable_versions": "<2.0.0",
    "cwe": [],
    "cvss": {"score": 9, "vectorString": None},
}


class Index(BaseHTTPRequestHandler):
    """A vulnerability database for Python and an npm registry."""

    refuses: bool = False

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        given = self.rfile.read(length)
        if self.refuses:
            self.send_error(503)
        elif self.path.endswith("/advisories/bulk"):
            self._answer({"worse": [ADVISORY]})
        else:
            name = json.loads(given)["package"]["name"]
            self._answer({"vulns": [KNOWN]} if name == "bad" else {})

    def do_GET(self) -> None:
        """Answer npm, which reads the vulnerable package's versions."""
        versions: dict[str, Any] = {each: {"name": "worse", "version": each, "dist": {}} for each in ("1.0.0", "2.0.0")}
        self._answer({"name": "worse", "dist-tags": {"latest": "2.0.0"}, "versions": versions})

    def _answer(self, document: Any) -> None:
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Log nothing."""


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Index]]:
    handler = type("AnIndex", (Index,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}/"
    monkeypatch.setenv("PIP_AUDIT_VULNERABILITY_SERVICE", "osv")
    monkeypatch.setenv("PIP_AUDIT_OSV_URL", f"{address}query")
    monkeypatch.setenv("npm_config_registry", address)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    yield handler
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, package in zip((LAYER_LOCK, *TOOLS_LOCKS), ("bad", "good", "fine"), strict=True):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"{package}==1.0 \\\n    --hash=sha256:{'a' * 64}\n", encoding="utf-8")
    packages = {
        "": {"name": "root", "devDependencies": {"worse": "1.0.0"}},
        "node_modules/worse": {"version": "1.0.0", "dev": True, "integrity": "sha512-YQ=="},
    }
    lock = {"name": "root", "lockfileVersion": 3, "requires": True, "packages": packages}
    (tmp_path / NPM_LOCK).write_text(json.dumps(lock), encoding="utf-8")
    (tmp_path / "package.json").write_text(json.dumps(packages[""]), encoding="utf-8")
    return tmp_path


BAD = Finding(
    ecosystem="pypi",
    package="bad",
    version="1.0",
    id="CVE-2026-1",
    aliases=("GHSA-aaaa-bbbb-cccc",),
    fixed_in=("1.1",),
)


def test_known_vulnerabilities_of_both_ecosystems_are_found(index: type[Index], root: Path) -> None:
    result = audit(root, (), TODAY)
    assert result.reasons == ()
    worse = Finding(ecosystem="npm", package="worse", version="1.0.0", id="GHSA-dddd-eeee-ffff")
    assert result.unanswered == (BAD, worse)


def test_a_database_that_fails_is_no_pass(index: type[Index], root: Path) -> None:
    index.refuses = True
    result = audit(root, (), TODAY)
    assert result.state == "not audited"
    assert [reason.partition(":")[0] for reason in result.reasons] == ["pip-audit", "npm audit"]


def test_a_network_that_fails_is_no_pass(monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    # Port 1 of this machine: nothing listens.
    monkeypatch.setenv("PIP_AUDIT_VULNERABILITY_SERVICE", "osv")
    monkeypatch.setenv("PIP_AUDIT_OSV_URL", "http://127.0.0.1:1/query")
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:1/")
    result = audit(root, (), TODAY)
    assert result.state == "not audited"
    assert len(result.reasons) == 2


def answering(monkeypatch: pytest.MonkeyPatch, document: Any) -> None:
    monkeypatch.setattr(audits, "_output", lambda *_: document)


def test_packages_that_the_index_does_not_know_are_not_audited(monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    """pip-audit says "No known vulnerabilities found" and succeeds then."""
    skipped = {"name": "good", "skip_reason": "Dependency not found on PyPI"}
    answering(monkeypatch, {"dependencies": [{"name": "fine", "version": "1.0", "vulns": []}, skipped]})
    assert audit_of_python(root).reasons == ("pip-audit: 1 of 2 packages were skipped: Dependency not found on PyPI",)


@pytest.mark.parametrize("document", [{}, {"dependencies": []}, {"dependencies": None}])
def test_an_answer_of_pip_audit_without_packages_is_no_pass(
    monkeypatch: pytest.MonkeyPatch, root: Path, document: Any
) -> None:
    answering(monkeypatch, document)
    assert audit_of_python(root).state == "not audited"


@pytest.mark.parametrize("document", [{}, {"message": "405 Method Not Allowed"}, {"vulnerabilities": None}])
def test_an_answer_of_npm_without_a_list_is_no_pass(monkeypatch: pytest.MonkeyPatch, root: Path, document: Any) -> None:
    answering(monkeypatch, document)
    assert audit_of_npm(root).state == "not audited"


def answer(**changes: Any) -> Answer:
    return Answer(id="CVE-2026-1", package="bad", reason="we read no files", until="2026-12-31").model_copy(
        update=changes
    )


def answered(*answers: Answer, today: date = TODAY) -> Finding:
    return audits._answered(BAD, answers, today)


def test_an_answer_holds_for_its_advisory_and_package_until_its_last_day() -> None:
    assert answered(answer()).answer == "we read no files (until 2026-12-31)"
    assert answered(answer(), today=date(2026, 12, 31)).answer
    assert answered(answer(), today=date(2027, 1, 1)).answer is None
    assert answered(answer(package="good")).answer is None
    assert answered(answer(id="CVE-2026-2")).answer is None


def test_what_was_found_is_said_in_sentences() -> None:
    said = list(sentences(Audit(findings=(BAD,)), (answer(),), date(2027, 1, 1)))
    assert said == [
        "bad 1.0 (pypi) has the known vulnerability CVE-2026-1, fixed in 1.1: update it (make lock), its answer "
        "in config/supply-chain.yaml has expired."
    ]
    [useless] = sentences(Audit(), (answer(),), TODAY)
    assert "no locked package has CVE-2026-1 any more: remove its answer" in useless
    assert list(sentences(Audit(reasons=("pip-audit: x",)), (answer(),), TODAY)) == ["Not audited: pip-audit: x"]


@pytest.mark.parametrize(
    ("policy", "result", "code"),
    [
        ("reported", Audit(), 0),
        ("required", Audit(), 0),
        ("reported", Audit(findings=(BAD,)), 1),
        ("reported", Audit(reasons=("npm audit: no network",)), 0),
        ("required", Audit(reasons=("npm audit: no network",)), 1),
        ("reported", Audit(reasons=("npm audit: no network",), findings=(BAD,)), 1),
    ],
)
def test_the_policy_decides_whether_a_build_without_an_audit_fails(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    policy: str,
    result: Audit,
    code: int,
) -> None:
    settings = load_supply_chain(ROOT)
    chosen = settings.model_copy(update={"audit": settings.audit.model_copy(update={"policy": policy})})
    monkeypatch.setattr(command, "load_supply_chain", lambda root: chosen)
    monkeypatch.setattr(command, "audit", lambda *_: result)
    assert command._audit(tmp_path) == code
    written = json.loads((tmp_path / AUDIT_FILE).read_text(encoding="utf-8"))
    assert written["state"] == result.state
    for reason in result.reasons:
        assert f"Not audited: {reason}" in capsys.readouterr().out
