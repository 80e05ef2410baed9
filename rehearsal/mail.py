"""E-mail of the rehearsal: dev sends newsletters to readers who do not exist, and the messages become files."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import boto3

from vectora_ops.settings import load_settings
from vectora_shared.config.changes import bumped
from vectora_shared.config.content import FolderContent
from vectora_shared.config.loading import validate_all

ENVIRONMENT = "dev"
# No mail server has this domain (RFC 2606).
DOMAIN = "newsletters.example"
READERS = (f"anna@{DOMAIN}", f"bert@{DOMAIN}")


def send_newsletters(folder: Path) -> None:
    """Let dev send the newsletters of a checkout, unless the checkout has readers or an identity of its own."""
    clients = [each.client for each in validate_all(FolderContent(folder / "config"))]
    if load_settings(folder).environment(ENVIRONMENT).delivery or any(client.delivery for client in clients):
        return
    _insert(
        folder / "config" / "environments.yaml",
        f"\n  {ENVIRONMENT}:\n",
        f"    delivery: {{mode: recipients, identity: {DOMAIN}}}\n",
    )
    for client in clients:
        if client.client_profile.active:
            path = folder / "config" / "clients" / f"{client.client_profile.client_id}.yaml"
            readers = f'\ndelivery: {{sender: "News <news@{DOMAIN}>", recipients: [{", ".join(READERS)}]}}\n'
            version = client.client_profile.version
            text = path.read_text(encoding="utf-8").replace(version, bumped(version, "minor")) + readers
            path.write_text(text, encoding="utf-8")


def _insert(path: Path, after: str, text: str) -> None:
    before, found, rest = path.read_text(encoding="utf-8").partition(after)
    path.write_text(f"{before}{found}{text}{rest}", encoding="utf-8")


def verify_sender(session: boto3.Session, identity: str = DOMAIN) -> None:
    """Verify the sender's identity in SES, as an administrator does once by DNS records."""
    make: Any = session.client
    make("sesv2").create_email_identity(EmailIdentity=identity)


def copy_messages(mail: Path, target: Path) -> tuple[Path, ...]:
    """Replace the files in `target` by the messages that SES accepted, in their order."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    return tuple(Path(shutil.copy(message, target)) for message in sorted(mail.glob("*.eml")))
