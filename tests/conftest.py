"""Set-up of all tests: guard against constructs/__init__.py, Node.js for the CDK, no AWS access, order of tests."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).resolve().parent.parent
# Folders whose tests share an emulated account that takes minutes to set up.
SHARED_ACCOUNT_FOLDERS = ("delivery", "deployed")

if (ROOT / "constructs" / "__init__.py").exists():
    raise pytest.UsageError(
        "constructs/__init__.py exists: it hides the package `constructs` from PyPI, so that `import aws_cdk` "
        "fails. Delete it; see docs/adr/0001-constructs-is-a-source-root.md."
    )

os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
os.environ["JSII_NODE"] = str(Path(sys.executable).parent / "node-for-jsii")
for variable in [name for name in os.environ if name.startswith("AWS_")]:
    # Tests must not use the credentials or the account of the person who runs them.
    del os.environ[variable]
for variable in [name for name in os.environ if name.startswith("GIT_") and not name.startswith("GIT_CONFIG")]:
    # A hook of git sets variables that lead git to its own repository, which tests would change.
    del os.environ[variable]
os.environ["AWS_DEFAULT_REGION"] = "eu-west-3"
# Tests start hundreds of processes: each would compile the project's modules again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
os.environ["AWS_EC2_METADATA_DISABLED"] = "true"


class _SchedulingByFixtures(LoadScopeScheduling):  # type: ignore[misc]
    """Scheduler that runs a folder with a shared account, and any other test file, in one process each."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        folder = file.split("/")[1]
        return folder if folder in SHARED_ACCOUNT_FOLDERS else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _SchedulingByFixtures:
    return _SchedulingByFixtures(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start the longest tests first, so that the other processes do not wait for them at the end."""
    order = {folder: number for number, folder in enumerate(SHARED_ACCOUNT_FOLDERS)}
    items.sort(key=lambda item: order.get(_folder(item), len(order)))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Lower the priority of all other processes, once each: the slowest folder decides how long the run takes."""
    if _folder(item) != SHARED_ACCOUNT_FOLDERS[0] and os.nice(0) == 0:
        os.nice(10)


def _folder(item: pytest.Item) -> str:
    return item.path.relative_to(ROOT / "tests").parts[0]


# Folders of `make test-fast`, and files in them that it skips: they try everything, or start the CDK CLI or pip.
FAST = ("unit", "stacks", "docs")
EXHAUSTIVE = (
    "docs/test_vault_format.py",
    "stacks/test_cost_of_a_commit.py",
    "stacks/test_pipeline_stack.py",
    "stacks/test_release_identity.py",
    "stacks/test_template_rules.py",
    "unit/analysis/test_many_terms.py",
    "unit/config/test_configurations_survive_anything.py",
    "unit/config/test_every_value_broken.py",
    "unit/ingest/test_article_process.py",
    "unit/ingest/test_forbidden_addresses.py",
    "unit/ingest/test_pages_made_to_take_long.py",
    "unit/test_reach.py",
    "stacks/test_validator.py",
    "unit/ops/test_cdk_command.py",
    "unit/ops/test_object_writer.py",
    "unit/ops/test_packages.py",
    "unit/benchmarks/test_fast_s3.py",
    "unit/ops/test_part_ends.py",
    "unit/ops/test_requests_to_aws.py",
    "unit/ops/test_restored_content.py",
    "unit/ops/test_signed_reads.py",
    "unit/client_files/test_concurrent_edits.py",
    "unit/client_files/test_history.py",
    "unit/client_files/test_line_ends.py",
    "unit/client_files/test_next_version.py",
    "unit/test_other_machines.py",
    "unit/preview/test_preview_agrees_with_the_engine.py",
    "unit/review/test_accepted_risks.py",
    "unit/review/test_clients_in_a_review.py",
    "unit/review/test_corpus.py",
    "unit/review/test_review_command.py",
    "unit/review/test_review_of_a_checkout.py",
)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker of tests that `make test-fast` skips."""
    config.addinivalue_line("markers", "exhaustive: tries everything, or starts other programs; not in make test-fast")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark tests that `make test-fast` skips."""
    if item.path.relative_to(ROOT / "tests").as_posix() in EXHAUSTIVE:
        item.add_marker(pytest.mark.exhaustive)
