"""Sources and buckets of the components of a snapshot."""

from __future__ import annotations

from collections.abc import Mapping

from vectora_ops.live_environment import Environment
from vectora_ops.names import OMITTED_PREFIXES, Names
from vectora_ops.snapshots.bucket_source import BucketSource, last_runs
from vectora_ops.snapshots.deployed_sources import FunctionsSource, LayersSource, ReleaseSource, StacksSource
from vectora_ops.snapshots.items import DataScope, Source
from vectora_ops.snapshots.manifest import Component, Manifest
from vectora_shared.config.publication import RECORD_KEY
from vectora_shared.keys import ANALYSES_PREFIX

RUNS = ("curated/", "ingested/")
# Scope of a snapshot of all data: the whole bucket, with folders that this app does not write, such as `raw/`. Earlier
# snapshots of all data have no scope, and cover the folders of runs only.
WHOLE_BUCKET = {"": ""}


def component_source(
    environment: Environment,
    component: Component,
    *,
    data: DataScope = "last",
    scope: Mapping[str, str] | None = None,
    with_records: bool = False,
) -> Source:
    """Return the source of a component's items; `scope` of an earlier snapshot selects the same keys again.

    Promotion records are read `with_records` only, because they are compared with nothing.
    """
    account, names = environment.account, environment.names
    match component:
        case "functions":
            return FunctionsSource(environment)
        case "layers":
            return LayersSource(environment)
        case "stacks":
            return StacksSource(environment)
        case "release":
            return ReleaseSource(environment, with_records=with_records)
        case "clients":
            return BucketSource(account, names.bucket("config"), ("clients/",))
        case "canonical":
            return BucketSource(account, names.bucket("config"), ("canonical/", RECORD_KEY))
        case "newsletters":
            return BucketSource(account, names.bucket("newsletters"), ("",), excluded=OMITTED_PREFIXES)
        case "data":
            bucket = names.bucket("data")
            if scope is None:
                scope = last_runs(account, bucket) if data == "last" else WHOLE_BUCKET
            if scope == WHOLE_BUCKET:
                # Stored analyses can be made again, and expire.
                excluded = (*OMITTED_PREFIXES, ANALYSES_PREFIX)
                return BucketSource(account, bucket, ("",), excluded=excluded, scope=scope)
            return BucketSource(account, bucket, RUNS, excluded=OMITTED_PREFIXES, scope=scope)


def source_in_scope(environment: Environment, manifest: Manifest, component: Component) -> Source:
    """Return the source of the same part of a component that a snapshot covers."""
    scope = manifest.components[component].scope
    return component_source(environment, component, scope=scope, data="last" if scope else manifest.data)


def bucket_of(names: Names, component: Component) -> str:
    """Return the bucket of a component whose items are objects."""
    match component:
        case "clients" | "canonical":
            return names.bucket("config")
        case "data" | "newsletters":
            return names.bucket(component)
        case _:
            raise ValueError(f"The items of component {component} are not objects of a bucket.")
