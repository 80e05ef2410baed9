"""The one command of the AWS CLI that the pipeline's builds use; the build image on AWS has the whole CLI."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from vectora_ops.plain_text import json_text, visible


def main(arguments: list[str]) -> int:
    """Run `aws lambda invoke`; return the exit status of the AWS CLI, 254 for an error of the service."""
    parser = argparse.ArgumentParser(prog="aws")
    parser.add_argument("service", choices=["lambda"])
    parser.add_argument("command", choices=["invoke"])
    parser.add_argument("--function-name", required=True)
    parser.add_argument("--cli-binary-format", choices=["raw-in-base64-out"], required=True)
    parser.add_argument("--cli-read-timeout", type=int, default=60)
    parser.add_argument("--payload", required=True)
    parser.add_argument("outfile", type=Path)
    given = parser.parse_args(arguments)
    client = boto3.client("lambda", config=Config(read_timeout=given.cli_read_timeout))
    try:
        answer = client.invoke(FunctionName=given.function_name, Payload=given.payload.encode("utf-8"))
    except (ClientError, BotoCoreError) as error:
        print(visible(str(error)), file=sys.stderr)
        return 254
    given.outfile.write_bytes(answer["Payload"].read())
    shown = {key: answer[key] for key in ("StatusCode", "FunctionError") if key in answer}
    print(json_text(json.dumps(shown, indent=4)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
