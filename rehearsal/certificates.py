"""One certificate authority of the rehearsal's own: workers and tools trust it, and through it every local server."""

from __future__ import annotations

import ssl
from pathlib import Path

import trustme


class Authority:
    """Issues certificates for local servers; its key never leaves this process."""

    def __init__(self) -> None:
        self._ca = trustme.CA(organization_name="Vectora rehearsal")

    def write_bundle(self, path: Path) -> None:
        """The one certificate that clients have to trust."""
        self._ca.cert_pem.write_to_path(str(path))

    def write_certificate(self, folder: Path, *names: str) -> tuple[Path, Path]:
        """Certificate and key for `names`, as files for a server in another process."""
        leaf = self._ca.issue_cert(*names)
        certificate, key = folder / "server.pem", folder / "server.key"
        for blob in leaf.cert_chain_pems:
            blob.write_to_path(str(certificate), append=True)
        leaf.private_key_pem.write_to_path(str(key))
        key.chmod(0o600)
        return certificate, key

    def server_context(self, *names: str) -> ssl.SSLContext:
        """TLS for a server in this process that is called by `names`."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._ca.issue_cert(*names).configure_cert(context)
        return context
