"""s1-ingest-v2: the ingestion function, in the stack that it has in the running system."""

from __future__ import annotations

from constructs import Construct

from stacks.assets.packages import Packages
from stacks.component import ComponentStack
from vectora_constructs.python_function import FAILS_ITS_RUN, PythonFunction
from vectora_ops.names import Names
from vectora_ops.settings import EnvironmentSettings


class IngestStack(ComponentStack):
    def __init__(self, scope: Construct, *, names: Names, settings: EnvironmentSettings, packages: Packages) -> None:
        super().__init__(
            scope,
            layer="s1-ingest-v2",
            component="ingest",
            description="Vectora Inbox, ingestion: the function that reads feeds and news pages.",
            names=names,
            settings=settings,
        )
        function = PythonFunction(
            self,
            "IngestV2",
            function_name=names.function("ingest-v2"),
            description="Ingests the news of a client's sources",
            code=self.asset("IngestV2Package", packages.function("ingest_v2")),
            layer_arns=(
                self.told("VectoraCoreLayerParameter", "layers/vectora-core", "Version of layer vectora-core in use"),
                self.told("CommonDepsLayerParameter", "layers/common-deps", "Version of layer common-deps in use"),
            ),
            role_arn=self.told("IngestV2RoleParameter", "roles/ingest-v2", "Role of function ingest-v2"),
            memory_mb=512,
            timeout_seconds=900,
            environment={
                "ENV": names.env,
                "PROJECT_NAME": names.project,
                "CONFIG_BUCKET": names.bucket("config"),
                "DATA_BUCKET": names.bucket("data"),
                "LOG_LEVEL": settings.logs.level,
                "PUBMED_API_KEY_PARAM": names.pubmed_api_key_parameter,
            },
            log_retention_days=settings.logs.retention_days,
            removal_policy=self.removal_policy,
            why_no_dead_letters=FAILS_ITS_RUN,
        )
        self.output("IngestV2FunctionArn", function.resource.attr_arn, "ARN of the ingestion function")
        self.output("IngestV2FunctionName", function.resource.ref, "Name of the ingestion function")
