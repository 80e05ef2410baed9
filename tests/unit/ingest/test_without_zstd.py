"""Bodies where Python has no module for zstd, as in an environment with the layer's packages only."""

from __future__ import annotations

import subprocess
import sys

from tests.repository import ROOT

PROGRAM = """
import sys
sys.modules.update({"compression": None, "compression.zstd": None, "backports": None, "backports.zstd": None})
from vectora_core.ingest import response_body
from vectora_shared.errors import VectoraError
print(response_body.ACCEPT_ENCODING)
for coding, body in (("zstd", b"\\x28\\xb5\\x2f\\xfd0000"), ("gzip", b"\\x1f\\x8b\\x07broken")):
    try:
        response_body._without_coding(body, coding, 1000)
    except (VectoraError, ValueError) as error:
        print(error)
"""


def test_zstd_is_neither_offered_nor_read_and_other_codings_are() -> None:
    environment = {"PYTHONPATH": str(ROOT / "lambda_src")}
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, encoding="utf-8", check=True
    )
    offered, zstd, gzip = ended.stdout.splitlines()
    assert offered == "gzip, deflate, br"
    assert "compressed as zstd, which was not requested" in zstd
    assert "cannot be unpacked" in gzip
