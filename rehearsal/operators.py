"""The operator role of the rehearsal, with its documented policy, which deployments and ./vectora act as."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

from rehearsal.emulator import ACCOUNT, Emulator, Identity
from vectora_shared.errors import VectoraError

POLICY = Path("docs") / "reference" / "operator-policy.json"
# The policy allows an operator to read only roles of this name.
ROLE = "vectora-inbox-operator"
USER = "operator"
# The longest that a role may allow (IAM API, CreateRole, MaxSessionDuration).
SESSION_SECONDS = 43200


@functools.cache
def operator(emulator: Emulator, root: Path, account: str = ACCOUNT) -> Identity:
    """Create the operator role as an administrator, once, and return a session of it.

    Raise VectoraError when the checkout at `root` has no operator policy.
    """
    iam = emulator.session(account).client("iam")
    role = iam.create_role(
        RoleName=ROLE,
        AssumeRolePolicyDocument=json.dumps(
            _document("sts:AssumeRole", Principal={"AWS": f"arn:aws:iam::{account}:root"})
        ),
        MaxSessionDuration=SESSION_SECONDS,
    )["Role"]["Arn"]
    iam.put_role_policy(RoleName=ROLE, PolicyName="operator", PolicyDocument=_policy(root, account, emulator.region))
    iam.create_user(UserName=USER)
    policy = json.dumps(_document("sts:AssumeRole", Resource=role))
    iam.put_user_policy(UserName=USER, PolicyName="become-operator", PolicyDocument=policy)
    key = iam.create_access_key(UserName=USER)["AccessKey"]
    sts = emulator.session_of(Identity(key["AccessKeyId"], key["SecretAccessKey"])).client("sts")
    session = sts.assume_role(RoleArn=role, RoleSessionName="rehearsal", DurationSeconds=SESSION_SECONDS)["Credentials"]
    return Identity(session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"])


def _document(action: str, **parts: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, **parts}]}


def _policy(root: Path, account: str, region: str) -> str:
    path = root / POLICY
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise VectoraError(f"{path} is missing: run `make templates`, which writes it.") from error
    return json.dumps(json.loads(text))
