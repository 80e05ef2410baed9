"""The rehearsal's certificate authority, which functions and tools trust."""

from __future__ import annotations

import ssl
from pathlib import Path

import trustme


class Authority:
    """A certificate authority for local servers; its key never leaves this process."""

    def __init__(self) -> None:
        self._ca = trustme.CA(organization_name="Vectora rehearsal")

    def write_bundle(self, path: Path) -> None:
        """Write the certificate that clients have to trust."""
        self._ca.cert_pem.write_to_path(str(path))

    def write_certificate(self, folder: Path, *names: str) -> tuple[Path, Path]:
        """Write certificate and key for `names`, for a server in another process; return their paths."""
        leaf = self._ca.issue_cert(*names)
        certificate, key = folder / "server.pem", folder / "server.key"
        for blob in leaf.cert_chain_pems:
            blob.write_to_path(str(certificate), append=True)
        leaf.private_key_pem.write_to_path(str(key))
        key.chmod(0o600)
        return certificate, key

    def server_context(self, *names: str) -> ssl.SSLContext:
        """Return the TLS context of a server in this process, with a certificate for `names`."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._ca.issue_cert(*names).configure_cert(context)
        return context
