"""Stack s1-ingest-v2: the ingestion function, which has a stack of its own in the running system."""

from __future__ import annotations

from constructs import Construct

from stacks.assets.packages import Packages
from stacks.component import ComponentStack
from stacks.engine_function import engine_function
from vectora_ops.names import Names
from vectora_ops.settings import EnvironmentSettings


class IngestStack(ComponentStack):
    """Stack `{project}-s1-ingest-v2-{env}`."""

    def __init__(
        self, scope: Construct, *, names: Names, settings: EnvironmentSettings, packages: Packages, contact: str
    ) -> None:
        """Build the stack; `contact` is the address that the function gives to the owners of news sites."""
        super().__init__(
            scope,
            layer="s1-ingest-v2",
            component="ingest",
            description="Vectora Inbox, ingestion: the function that reads feeds and news pages.",
            names=names,
            settings=settings,
        )
        layer_arns = (
            self.shared_parameter(
                "VectoraCoreLayerParameter", "layers/vectora-core", "Version of layer vectora-core in use"
            ),
            self.shared_parameter(
                "CommonDepsLayerParameter", "layers/common-deps", "Version of layer common-deps in use"
            ),
        )
        function = engine_function(
            self,
            "IngestV2",
            task="ingest-v2",
            description="Ingests the news of a client's sources",
            packages=packages,
            layer_arns=layer_arns,
            memory_mb=1024,
            environment={
                "DATA_BUCKET": names.bucket("data"),
                "PUBMED_API_KEY_PARAM": names.pubmed_api_key_parameter,
                "USER_AGENT_CONTACT": contact,
            },
        )
        self.output("IngestV2FunctionArn", function.resource.attr_arn, "ARN of the ingestion function")
        self.output("IngestV2FunctionName", function.resource.ref, "Name of the ingestion function")
