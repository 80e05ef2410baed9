"""Bill of materials of a release in the format CycloneDX 1.6, the same bytes for the same commit."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable, Mapping
from itertools import chain

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from tools.supply_chain.inventory import Package
from tools.supply_chain.licences import known_licence
from tools.supply_chain.settings import Licences

# Serial numbers are derived from the content: a random one would change with every build.
NAMESPACE = uuid.UUID("0f7b3a52-6c0d-5a5e-9a57-8a3c4c1d2e90")
PROJECT = "vectora-inbox"


def bill_of_materials(packages: Iterable[Package], licences: Licences, version: str) -> str:
    """Return the bill as JSON text: packages of the layer are required at run time, those of tools alone excluded."""
    root = Component(name=PROJECT, version=version, type=ComponentType.APPLICATION, bom_ref=PROJECT)
    chosen = list(packages)
    components = [_component(each, licences) for each in chosen]
    by_name: dict[tuple[str, str], list[Component]] = {}
    for package, component in zip(chosen, components, strict=True):
        by_name.setdefault((package.ecosystem, package.name), []).append(component)
    bom = Bom(components=components)
    bom.metadata.component = root
    bom.metadata.timestamp = None  # type: ignore[assignment]
    bom.register_dependency(root, components)
    for package, component in zip(chosen, components, strict=True):
        needed = (by_name.get((package.ecosystem, name), []) for name in package.requires)
        bom.register_dependency(component, chain.from_iterable(needed))
    return _as_text(json.loads(JsonV1Dot6(bom).output_as_string()))


def _component(package: Package, licences: Licences) -> Component:
    namespace, _, name = package.name.rpartition("/")
    url = PackageURL(type=package.ecosystem, namespace=namespace or None, name=name, version=package.version)
    licence = known_licence(package, licences)
    return Component(
        name=package.name,
        version=package.version,
        type=ComponentType.LIBRARY,
        bom_ref=str(url),
        purl=url,
        scope=ComponentScope.REQUIRED if package.deployed else ComponentScope.EXCLUDED,
        licenses=[LicenseFactory().make_from_string(licence)] if licence else [],
        # A hash of the component itself would be of one file; the lock has all those that an installation may use.
        external_references=[
            ExternalReference(
                type=ExternalReferenceType.DISTRIBUTION,
                url=XsUri(str(url)),
                hashes=[HashType(alg=HashAlgorithm(each.algorithm), content=each.digest)],
            )
            for each in package.hashes
        ],
    )


def _as_text(document: Mapping[str, object]) -> str:
    """Return the document with a serial number of its content, and without a time."""
    content = {key: value for key, value in document.items() if key != "serialNumber"}
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode("utf-8")).hexdigest()
    serial = uuid.uuid5(NAMESPACE, digest).urn
    return json.dumps({**document, "serialNumber": serial}, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
