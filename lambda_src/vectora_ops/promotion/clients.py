"""Promotion of a client's file by itself: validation, snapshot, publication, test run, rollback on failure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, NoReturn

from pydantic import BaseModel, ConfigDict, StringConstraints

from vectora_ops.account import Account
from vectora_ops.names import Names
from vectora_ops.progress import Clock, Deadline, Observer, OutOfTimeError, never, utc_now
from vectora_ops.promotion.environment_runs import ClientFile
from vectora_ops.promotion.gates import hold_verdict, in_progress_verdict
from vectora_ops.records import ClientPromotion, Records
from vectora_ops.rollback.request import RollbackRequest, RollbackResult
from vectora_ops.runs import RunOutcome, RunRequest, follow_run, start_run
from vectora_ops.snapshots.lease import Lease
from vectora_ops.snapshots.manifest import Component, Occasion
from vectora_ops.snapshots.take import SnapshotRequest, take_snapshot
from vectora_shared.aws import read_object
from vectora_shared.config.content import BucketContent, ContentWithFile
from vectora_shared.config.loading import load_configuration
from vectora_shared.config.publication import publish_client
from vectora_shared.config.values import Identifier
from vectora_shared.errors import VectoraError
from vectora_shared.keys import client_key

OPERATION = "client promotion"
# A promotion changes the file, and its run writes data and a newsletter.
CHANGED: tuple[Component, ...] = ("clients", "canonical", "data", "newsletters")
RollBack = Callable[[RollbackRequest], RollbackResult]


class SourceFile(BaseModel):
    """A client's file in the preceding environment; `text` is its content."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    client_id: Identifier
    version: str
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    text: str

    @property
    def body(self) -> bytes:
        return self.text.encode("utf-8")


@dataclass(frozen=True, kw_only=True)
class ClientPromotionResult:
    """A completed promotion; `outcome` is one sentence on the result of its test run."""

    client_id: str
    version: str
    version_before: str | None
    source: str
    target: str
    snapshot: str
    outcome: str


def source_file(account: Account, source: Names, client_id: str, judged: ClientFile) -> SourceFile:
    """Read the file that was judged; raises VectoraError when it has changed since."""
    body = read_object(account.client("s3"), Bucket=source.bucket("config"), Key=client_key(client_id)).body
    if hashlib.sha256(body).hexdigest() != judged.sha256:
        raise VectoraError(f"{client_key(client_id)} changed in {source.env} while it was judged: try again.")
    return SourceFile(client_id=client_id, version=judged.version, sha256=judged.sha256, text=body.decode("utf-8"))


def is_unfinished(account: Account, names: Names, file: SourceFile) -> bool:
    """Return whether a promotion of this file was interrupted: it passed the gates before and must be completed."""
    history = Records(account, names).client_promotions()
    return bool(history) and not history[-1].is_over and history[-1].sha256 == file.sha256


class PromoteClient:
    """One promotion of one file into the environment of `names`."""

    def __init__(
        self,
        account: Account,
        names: Names,
        source: str,
        file: SourceFile,
        *,
        owner: str,
        roll_back: RollBack,
        observer: Observer,
        deadline: Deadline = never,
        clock: Clock = utc_now,
    ) -> None:
        """Prepare a promotion from environment `source`; `owner` may take over a lease that it holds already."""
        self._account = account
        self._names = names
        self._source = source
        self._file = file
        self._owner = owner
        self._roll_back = roll_back
        self._observer = observer
        self._deadline = deadline
        self._clock = clock
        self._records = Records(account, names)
        self._content = BucketContent(account.client("s3"), names.bucket("config"))

    def run(self) -> ClientPromotionResult:
        """Promote the file; raises VectoraError that says whether nothing was changed or everything was undone."""
        self._observer.step("validate")
        key = client_key(self._file.client_id)
        load_configuration(ContentWithFile(self._content, key, self._file.body), self._file.client_id)
        begun = self._interrupted()
        if begun and begun.state == "taking back":
            self._undo(begun, begun.outcome)
        failure = ""
        with self._lease() as lease:
            promotion = begun or self._begin(lease)
            try:
                promotion = self._published_and_started(promotion)
                outcome = self._judged(self._followed(lease, promotion))
            except OutOfTimeError:
                raise
            except VectoraError as error:
                failure = str(error)
        if failure:
            self._undo(promotion, failure)
        done = self._recorded(promotion, state="promoted", outcome=outcome)
        return ClientPromotionResult(
            client_id=done.client_id,
            version=done.version,
            version_before=done.version_before,
            source=done.source,
            target=self._names.env,
            snapshot=done.snapshot,
            outcome=outcome,
        )

    def _lease(self) -> Lease:
        subject = f"{self._file.client_id} {self._file.version}"
        return Lease(
            self._account, self._names, operation=OPERATION, subject=subject, owner=self._owner, clock=self._clock
        )

    def _interrupted(self) -> ClientPromotion | None:
        """Return the promotion that an earlier invocation began; raises VectoraError when it is of another file."""
        history = self._records.client_promotions()
        if not history or history[-1].is_over:
            return None
        last = history[-1]
        if last.sha256 == self._file.sha256:
            return last
        if self._digest_of(last.client_id) != last.sha256:
            # An operator has rolled back to the snapshot.
            return None
        raise VectoraError(
            f"The promotion of {last.client_id} {last.version} into {self._names.env} was interrupted: finish it by "
            f"promoting it again, or go back (./vectora rollback --env {self._names.env} --snapshot {last.snapshot})."
        )

    def _digest_of(self, client_id: str) -> str | None:
        key = client_key(client_id)
        return hashlib.sha256(self._content.read(key)).hexdigest() if key in self._content.keys(key) else None

    def _require_nothing_in_progress(self) -> None:
        """Raise VectoraError when a release is being deployed, or promotion is held, since the file was judged."""
        deployment, hold = self._records.deployment(), self._records.hold()
        verdicts = (
            hold_verdict(hold, self._names.env),
            in_progress_verdict(self._names.env, (deployment,) if deployment else (), self._records.ledger(), None),
        )
        if refused := [each.reason for each in verdicts if each.outcome != "pass"]:
            raise VectoraError(
                f"{self._file.client_id} {self._file.version} was not promoted into {self._names.env}, and nothing was "
                f"changed: {refused[0]}."
            )

    def _begin(self, lease: Lease) -> ClientPromotion:
        self._require_nothing_in_progress()
        file = self._file
        there = self._digest_of(file.client_id) is not None
        before = load_configuration(self._content, file.client_id).client.client_profile.version if there else None
        self._observer.step("snapshot")
        manifest = take_snapshot(
            self._account,
            self._names,
            SnapshotRequest(
                label=f"before_{file.client_id}_{file.version.replace('.', '-')}"[:80],
                occasion=Occasion(kind="client", detail=f"{file.client_id} {file.version}"),
            ),
            lease=lease,
            observer=self._observer,
            clock=self._clock,
        )
        promotion = ClientPromotion(
            state="promoting",
            client_id=file.client_id,
            version=file.version,
            version_before=before,
            source=self._source,
            sha256=file.sha256,
            snapshot=manifest.name,
            at=self._clock(),
        )
        self._records.write_client_promotion(promotion)
        return promotion

    def _published_and_started(self, promotion: ClientPromotion) -> ClientPromotion:
        if promotion.execution:
            return promotion
        self._observer.step("publish")
        file, bucket = self._file, self._names.bucket("config")
        publish_client(self._account.client("s3"), bucket=bucket, client_id=file.client_id, body=file.body)
        machine = self._account.state_machine_arn(self._names.state_machine)
        # A draft: the run only tries the file, and must not take news from the next issue.
        request = RunRequest(client_id=file.client_id, draft=True)
        execution = start_run(self._account.client("stepfunctions"), machine, request)
        return self._recorded(promotion, state="promoting", execution=execution)

    def _followed(self, lease: Lease, promotion: ClientPromotion) -> RunOutcome:
        def over() -> bool:
            lease.renew()
            return self._deadline()

        self._observer.step("run")
        states = self._account.client("stepfunctions")
        return follow_run(states, str(promotion.execution), self._observer.step, deadline=over)

    def _judged(self, outcome: RunOutcome) -> str:
        if not outcome.succeeded:
            raise VectoraError(f"its run {outcome.status.lower().replace('_', ' ')}: {outcome.reason}")
        version = outcome.steps["normalize_score"]["client_version"]
        if version != self._file.version:
            raise VectoraError(f"its run used version {version}: another publication came in between")
        letter = outcome.steps["newsletter"]
        items = letter["total_items"]
        # Earlier issues may have published all the news; a release before drafts does not count what they have.
        in_period = letter["metrics"]["items"].get("in_period", items)
        if not in_period:
            matched = outcome.steps["normalize_score"]["items_matched"]
            raise VectoraError(f"its newsletter has no items ({matched} matched)")
        return f"its run made a draft with {items} items; with those of earlier issues it would have {in_period}"

    def _undo(self, promotion: ClientPromotion, failure: str) -> NoReturn:
        """Restore the environment's content from the snapshot; raises VectoraError in any case."""
        what = f"{promotion.client_id} {promotion.version}"
        reason = f"{what} was not promoted into {self._names.env}: {failure.rstrip('.')}"
        self._recorded(promotion, state="taking back", outcome=failure)
        self._observer.step("rollback")
        try:
            self._roll_back(
                RollbackRequest(
                    snapshot=promotion.snapshot, components=CHANGED, owner=self._owner, reason=reason, cause="failure"
                )
            )
        except OutOfTimeError:
            raise
        except VectoraError as error:
            raise VectoraError(
                f"{reason}. The rollback to {promotion.snapshot} failed too ({error}): promote again to go on with it."
            ) from error
        self._recorded(promotion, state="rolled back", outcome=failure)
        raise VectoraError(f"{reason}. All is again as in snapshot {promotion.snapshot}, compared and proven.")

    def _recorded(self, promotion: ClientPromotion, **changes: Any) -> ClientPromotion:
        recorded = promotion.model_copy(update={**changes, "at": self._clock()})
        self._records.write_client_promotion(recorded)
        return recorded
