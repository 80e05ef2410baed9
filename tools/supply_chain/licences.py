"""Licences of packages: what their metadata declares, compared with those that the settings allow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from email.message import Message
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from license_expression import ExpressionError, Licensing, get_spdx_licensing

from tools.supply_chain.settings import SETTINGS_FILE, Licences

if TYPE_CHECKING:
    from tools.supply_chain.inventory import Package

UNKNOWN = ""
# Trove classifiers that name one licence. "BSD License" is a family: it has no SPDX identifier.
CLASSIFIED = {
    "Apache Software License": "Apache-2.0",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "MIT No Attribution License (MIT-0)": "MIT-0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
# A classifier of every open licence.
NO_LICENCE = "OSI Approved"


def declared_licence(metadata: Message) -> str:
    """Return the SPDX expression of a package, or the licence's name; empty when its metadata names none.

    License-Expression counts first (core metadata 2.4), then a License that is an expression, then the classifiers: a
    package with several of them may be under each, so all must be allowed.
    """
    texts = {key: str(value).strip() for key, value in metadata.items() if key in ("License-Expression", "License")}
    for key in ("License-Expression", "License"):
        if is_expression(texts.get(key, "")):
            return texts[key]
    names = [str(value).rpartition(" :: ")[2] for key, value in metadata.items() if _is_licence(key, str(value))]
    if names:
        found = sorted({CLASSIFIED.get(name, name) for name in names})
        return " AND ".join(found) if all(map(is_expression, found)) else ", ".join(found)
    text = texts.get("License", "")
    return text if text and "\n" not in text else UNKNOWN


def _is_licence(key: str, value: str) -> bool:
    return key == "Classifier" and value.startswith("License ::") and not value.endswith(NO_LICENCE)


def is_expression(text: str) -> bool:
    """Return whether the text is an SPDX expression of known licences."""
    if not text or "\n" in text:
        return False
    try:
        _spdx().parse(text, validate=True)
    except ExpressionError:
        return False
    return True


def is_allowed(licence: str, allowed: Iterable[str]) -> bool:
    """Return whether one of the choices that a licence leaves is allowed in all its parts."""
    names = set(allowed)
    return _satisfied(_spdx().parse(licence), names) if is_expression(licence) else licence in names


def _satisfied(part: Any, allowed: set[str]) -> bool:
    arguments = getattr(part, "args", ())
    match getattr(part, "operator", "").strip():
        case "AND":
            return all(_satisfied(each, allowed) for each in arguments)
        case "OR":
            return any(_satisfied(each, allowed) for each in arguments)
        case _:
            return str(part) in allowed


def licence_problems(packages: Iterable[Package], licences: Licences) -> Iterator[str]:
    """Yield a sentence for each package whose licence is not allowed, and for each exception that none needs."""
    exceptions = {each.package: each for each in licences.exceptions}
    for package in packages:
        if is_allowed(package.licence, licences.allowed):
            continue
        exception = exceptions.pop(package.name, None)
        if exception is None:
            has = (
                f"has the licence '{package.licence}', which is not allowed" if package.licence else "names no licence"
            )
            yield (
                f"{package.shown} {has}: read its licence, then allow it or add an exception with the reason in "
                f"{SETTINGS_FILE}, or use another package."
            )
        elif not is_expression(exception.licence):
            yield (
                f"{SETTINGS_FILE}: the exception of {exception.package} has '{exception.licence}', which is "
                "no SPDX expression."
            )
    for name in exceptions:
        yield f"{SETTINGS_FILE}: no package needs the exception of {name}: remove it."


def known_licence(package: Package, licences: Licences) -> str:
    """Return the licence of a package; for one with an exception, the licence that this names."""
    named = (each.licence for each in licences.exceptions if each.package == package.name)
    return next(named, package.licence)


@lru_cache
def _spdx() -> Licensing:
    return get_spdx_licensing()
