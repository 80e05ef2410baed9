"""Review of an execution: what its commit changes of what is protected, and whether a person approved that."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from vectora_ops.people import is_same, principal_of
from vectora_review.assembly import Assembly, ForgedAssemblyError
from vectora_review.changes import Change, Changes, changes_between
from vectora_review.executions import Artifact, Execution, Executions, only_version
from vectora_review.facts import FILES, Facts, digest_of, facts_of, facts_of_pipeline
from vectora_review.store import Accepted, Approval, Store
from vectora_shared.aws import read_object
from vectora_shared.errors import VectoraError

# Written by the build (tools/release_report.py), for the reports on later releases.
RELEASE_FILES = "release-files.zip"
ARTIFACT = re.compile(r"arn:aws[\w-]*:s3:::([^/]+)/(.+)")


@dataclass(frozen=True, kw_only=True)
class Opinion:
    """The result of a review; `approval` is the one that allows the changes, `refused` the reason why none counts.

    `release_files` is what the reports on later releases compare with; a build of an earlier version writes none.
    """

    execution: Execution
    artifact: Artifact
    changes: Changes
    facts: Facts
    assets: Mapping[str, str]
    release_files: bytes | None
    approval: Approval | None = None
    refused: str = ""

    @property
    def is_accepted(self) -> bool:
        return not self.changes.each or self.approval is not None

    @property
    def text(self) -> str:
        """The result for people: what changes, and what to do."""
        id_, commit = self.execution.id, self.execution.commit or "unknown"
        if not self.changes.each:
            return f"Execution {id_} (commit {commit}) changes nothing that needs an approval of its own."
        what = self.changes.text()
        if self.approval is not None:
            by = self.approval.by or "unknown"
            return f"Execution {id_} (commit {commit}) goes on: these changes were approved by {by}.\n{what}"
        return f"{self.reasons}\nTo approve exactly these changes: {self.approve_command}"

    @property
    def reasons(self) -> str:
        """Reasons why the execution stops, in lines."""
        note = f"\n{self.refused}" if self.refused else ""
        return (
            f"Execution {self.execution.id} (commit {self.execution.commit or 'unknown'}) stops: it changes the "
            "pipeline, access or what judges a promotion, and needs an approval of its own.\n"
            f"{self.changes.text()}{note}"
        )

    @property
    def approve_command(self) -> str:
        """Command that approves exactly these changes; its reason is the one to write if nothing else is to be said."""
        return (
            f"./vectora promote approve-change --execution {self.execution.id} "
            '--reason "reviewed, these changes are intended"'
        )


class Reviewer:
    """Reviews executions of one pipeline; `clients` are boto3's by service."""

    def __init__(
        self,
        clients: Mapping[str, Any],
        store: Store,
        *,
        pipeline: str,
        bucket: str,
        environments: Sequence[str],
        people: Mapping[str, str],
    ) -> None:
        self._clients = clients
        self._store = store
        self._executions = Executions(clients["codepipeline"], pipeline)
        self._pipeline = pipeline
        self._bucket = bucket
        self._environments = environments
        self._people = people

    def review(self, artifact_arn: str) -> Opinion:
        """Review the execution whose build wrote the artifact, and record what is accepted.

        Raises VectoraError when the artifact was written again, and ForgedAssemblyError when no build writes it.
        """
        place = ARTIFACT.fullmatch(artifact_arn)
        if place is None or place[1] != self._bucket:
            raise VectoraError(f"'{artifact_arn}' is no artifact of pipeline {self._pipeline}.")
        execution = self._executions.of_artifact(place[1], place[2])
        opinion = self._opinion(execution, only_version(self._clients["s3"], place[1], place[2]))
        if opinion.is_accepted:
            self._record(opinion)
        return opinion

    def explain(self, execution_id: str) -> Opinion:
        """Return the opinion on an execution, and record nothing."""
        execution = self._executions.find(execution_id)
        return self._opinion(execution, self._artifact_of(execution))

    def attest(self, execution_id: str, stage: str) -> dict[str, str | None]:
        """Return who wrote and who approved what an execution brings into a stage.

        Raises VectoraError when its artifact is no longer the one that was accepted.
        """
        execution = self._executions.find(execution_id)
        reviewed = self._store.reviewed(execution_id)
        if reviewed is None:
            raise VectoraError(f"Execution {execution_id} was never reviewed: push its commit again.")
        artifact = self._artifact_of(execution)
        if artifact != reviewed:
            raise VectoraError(
                f"The artifact of execution {execution_id} is another one than the review accepted: push its commit "
                "again."
            )
        return {
            "commit": execution.commit,
            "author": execution.author,
            "author_principal": principal_of(execution.author, self._people),
            "approver": execution.approver(stage),
        }

    def _artifact_of(self, execution: Execution) -> Artifact:
        place = execution.output()
        if place is None or place[0] != self._bucket:
            raise VectoraError(f"Execution {execution.id} has not built an assembly.")
        return only_version(self._clients["s3"], *place)

    def _opinion(self, execution: Execution, artifact: Artifact) -> Opinion:
        assembly = self._assembly(artifact)
        facts = facts_of(assembly, self._environments)
        assets = {each.key: assembly.content_digest(each.path) for each in assembly.assets()}
        self._require_own_content_digest(execution, assets)
        opinion = Opinion(
            execution=execution,
            artifact=artifact,
            changes=Changes(()),
            facts=facts,
            assets=assets,
            release_files=assembly.read(RELEASE_FILES) if RELEASE_FILES in assembly.names else None,
        )
        if self._store.reviewed(execution.id) == artifact:
            # Accepted before: a later command of the build failed, and the stage was tried again.
            return opinion
        accepted = self._store.accepted()
        changes = self._changes(assembly, facts, assets, accepted)
        approval, refused = self._approval(execution, changes, accepted)
        return replace(opinion, changes=changes, approval=approval, refused=refused)

    def _assembly(self, artifact: Artifact) -> Assembly:
        found = read_object(self._clients["s3"], Bucket=artifact.bucket, Key=artifact.key, VersionId=artifact.version)
        return Assembly(found.body, self._pipeline)

    def _changes(
        self, assembly: Assembly, facts: Facts, assets: Mapping[str, str], accepted: Accepted | None
    ) -> Changes:
        of_pipeline = changes_between(self._deployed_pipeline(), facts_of_pipeline(assembly.pipeline_template))
        # Before the first review, what an administrator deployed is accepted, with what its commit contains.
        others = changes_between(accepted.facts, facts).each if accepted is not None else ()
        known = self._store.contents_of_assets(assets)
        other_contents = (
            Change(f"{FILES}: {key}, which was published with another content", known[key], content)
            for key, content in sorted(assets.items())
            if key in known and known[key] != content
        )
        return Changes((*of_pipeline.each, *others, *other_contents))

    def _deployed_pipeline(self) -> Facts:
        body = self._clients["cloudformation"].get_template(StackName=self._pipeline, TemplateStage="Original")
        template = body["TemplateBody"]
        # botocore parses a template that is JSON.
        return facts_of_pipeline(json.loads(template if isinstance(template, str) else json.dumps(template)))

    def _require_own_content_digest(self, execution: Execution, assets: Mapping[str, str]) -> None:
        """Raise ForgedAssemblyError when the build reports the content digest of a release with other code."""
        content = execution.content_digest
        known = self._store.assets_of_content(content) if content else None
        if known is not None and known != _digest_of_packages(assets):
            raise ForgedAssemblyError(
                f"The build reports content digest {content}, which belongs to a release with other code: it would "
                "inherit its smoke tests and its soak."
            )

    def _approval(
        self, execution: Execution, changes: Changes, accepted: Accepted | None
    ) -> tuple[Approval | None, str]:
        if not changes.each:
            return None, ""
        used = accepted.approval_version if accepted is not None else 0
        author = principal_of(execution.author, self._people)
        refused = ""
        for approval in self._store.approvals_of(changes.digest, after=used):
            if not is_same(author, approval.by):
                return approval, ""
            refused = f"The approval by {approval.by} does not count, because {author} wrote the commit."
        return None, refused

    def _record(self, opinion: Opinion) -> None:
        before = self._store.accepted()
        known = self._store.contents_of_assets(opinion.assets)
        for key, content in opinion.assets.items():
            if known.get(key) != content:
                self._store.write_content_of_asset(key, content)
        if opinion.execution.content_digest:
            packages = _digest_of_packages(opinion.assets)
            self._store.write_assets_of_content(opinion.execution.content_digest, packages)
        if before is None or before.facts != opinion.facts or opinion.approval is not None:
            used = before.approval_version if before is not None else 0
            accepted = Accepted(
                facts=opinion.facts,
                execution=opinion.execution.id,
                approval_version=opinion.approval.version if opinion.approval else used,
                approved_by=opinion.approval.by if opinion.approval else None,
            )
            self._store.write_accepted(accepted)
        if opinion.execution.commit and opinion.release_files is not None:
            self._store.write_release_files(opinion.execution.commit, opinion.release_files)
        self._store.write_reviewed(opinion.execution.id, opinion.artifact)


def _digest_of_packages(assets: Mapping[str, str]) -> str:
    """Return the digest of the packages; templates differ in settings, which are no content."""
    return digest_of(sorted(key for key in assets if key.endswith(".zip")))
