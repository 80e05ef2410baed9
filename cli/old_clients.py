"""Client files of the system that ran before this app, in a config bucket, and the commands that migrate them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping

from vectora_shared.config.client import ClientConfig
from vectora_shared.config.section import read_section
from vectora_shared.config.yaml_file import parse_yaml
from vectora_shared.errors import ConfigurationError
from vectora_shared.keys import CLIENTS_PREFIX

# Ids of the running system end with a version, such as lai_weekly_v6.
VERSION = re.compile(r"_v\d+$")


def is_old_form(key: str, body: bytes) -> bool:
    """Return whether a client's file has an old form: a client's profile, and not the current form."""
    try:
        file = parse_yaml(key, body)
    except ConfigurationError:
        return False
    if not isinstance(file.data, Mapping) or not isinstance(file.data.get("client_profile"), Mapping):
        return False
    try:
        read_section(ClientConfig, file)
    except ConfigurationError:
        return True
    return False


def lines_on_old_clients(env: str, bucket: str, client_ids: Iterable[str]) -> Iterator[str]:
    """Yield what to do with client files of an old form: one command for the files of each client."""
    by_client: dict[str, list[str]] = {}
    for client_id in sorted(client_ids):
        by_client.setdefault(VERSION.sub("", client_id), []).append(client_id)
    for name, old in by_client.items():
        files = " ".join(shlex.quote(f"old/{client_id}.yaml") for client_id in old)
        yield f"{name}: {len(old)} client files of an old form, which no schedule runs. Migrate them and their data:"
        yield f"  aws s3 cp s3://{bucket}/{CLIENTS_PREFIX} old/ --recursive"
        yield f"  ./vectora client migrate {files} --env {env} --move-data"
