"""Web addresses that are safe to read and to show: public ones, in any spelling, never of a private network."""

from __future__ import annotations

import ipaddress
import re
import socket
from dataclasses import dataclass
from urllib.parse import quote, unquote, urljoin, urlsplit, urlunsplit

from vectora_core.text.tracked_links import untracked
from vectora_core.text.words import one_line, visible_text
from vectora_shared.errors import VectoraError

MAX_LINK_CHARACTERS = 2000
PORTS = {"http": 80, "https": 443}
# Each attempt may take the whole time limit of a connection.
_ADDRESSES_TRIED = 4
_NAME = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})+")
# Resolvers and browsers read a last label like these as the end of an IPv4 address; no top-level domain looks like it.
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*")
_LOCAL_NAMES = (
    *("localhost", "local", "localdomain", "internal", "intranet", "private", "corp", "home", "lan", "home.arpa"),
    *("onion", "alt"),
)
# IANA's special-purpose registries; written out, as ipaddress.is_global differs between Python's versions.
_FORBIDDEN_V4 = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24"),
        *("192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24"),
        *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        # Azure's host agent, the one metadata service with a public address.
        "168.63.129.16/32",
    )
)
# All other IPv6 addresses are not on the internet: loopback, unique local, link and site local, multicast, and forms
# that lead to an IPv4 address: mapped ::ffff:0:0/96, compatible ::/96, translated ::ffff:0:0:0/96 (RFC 2765), NAT64 at
# 64:ff9b::/96 (RFC 6052) and at 64:ff9b:1::/48 (RFC 8215).
_UNICAST_V6 = ipaddress.IPv6Network("2000::/3")
_FORBIDDEN_V6 = tuple(
    ipaddress.IPv6Network(network)
    # Protocol assignments including Teredo (RFC 4380), documentation, 6to4 (RFC 3056), AS112.
    for network in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
)
# Interface identifiers of ISATAP, in any network: 0000:5efe or 0200:5efe before the IPv4 address to which packets are
# tunnelled (RFC 5214, 6.1). The two masked bits say whether the identifier is global and whether it is a group's.
_ISATAP, _ISATAP_BITS = 0x00005EFE, 0xFCFFFFFF


@dataclass(frozen=True)
class Destination:
    """An http(s) address with its host in canonical spelling; requests use `url` as it is."""

    url: str
    host: str
    port: int


def destination(url: str) -> Destination:
    """Return the destination of an address; raise VectoraError when it is no web address, or disguises its host."""
    try:
        parts = urlsplit(url)
        named_port = parts.port
        spelled = unquote(parts.hostname or "", errors="strict")
    except ValueError:
        parts, named_port, spelled = urlsplit(""), None, ""
    if parts.scheme not in PORTS or not spelled:
        raise VectoraError(f"{_excerpt(url)} is not an http(s) address: correct the source's url.")
    if "@" in parts.netloc:
        raise VectoraError(
            f"The address of {_excerpt(spelled)} names a user before the host, which is never sent: "
            "remove it from the source's url."
        )
    host = _host(spelled)
    port = PORTS[parts.scheme] if named_port is None else named_port
    netloc = f"[{host}]" if ":" in host else host
    if port != PORTS[parts.scheme]:
        netloc = f"{netloc}:{port}"
    return Destination(urlunsplit((parts.scheme, netloc, parts.path, parts.query, "")), host, port)


def _host(spelled: str) -> str:
    """Return the canonical spelling of a host: an IP address in its usual notation, or a name in ASCII."""
    if ":" in spelled:
        try:
            address = ipaddress.IPv6Address(spelled)
        except ValueError as error:
            raise _no_host(spelled) from error
        if address.scope_id:
            raise _no_host(spelled)
        return str(address)
    try:
        name = spelled.encode("idna").decode("ascii").lower().rstrip(".")
    except UnicodeError as error:
        raise _no_host(spelled) from error
    if not _NUMBER.fullmatch(name.rpartition(".")[2]):
        if not _NAME.fullmatch(name) and name not in _LOCAL_NAMES:
            raise _no_host(spelled)
        return name
    try:
        return str(ipaddress.IPv4Address(name))
    except ValueError as error:
        raise VectoraError(
            f"{_excerpt(spelled)} is an IP address in an unusual spelling, which disguises where it leads: "
            "correct the source's url."
        ) from error


def _no_host(spelled: str) -> VectoraError:
    return VectoraError(
        f"{_excerpt(spelled)} is no host name of the public internet, such as www.example.com: "
        "correct the source's url."
    )


def _excerpt(text: str) -> str:
    return one_line(text)[:200] or "An empty text"


def is_public(address: str) -> bool:
    """Return whether an IP address, in its usual notation, is one of the public internet.

    IPv6 addresses that lead to an IPv4 address by a tunnel or a translator never are: publishers do not use them, and
    the tunnel may end in any network.
    """
    parsed = ipaddress.ip_address(address)
    if isinstance(parsed, ipaddress.IPv4Address):
        return not any(parsed in network for network in _FORBIDDEN_V4)
    return (
        parsed in _UNICAST_V6
        and parsed.scope_id is None
        and not any(parsed in network for network in _FORBIDDEN_V6)
        and (int(parsed) >> 32) & _ISATAP_BITS != _ISATAP
    )


def _is_literal(host: str) -> bool:
    return ":" in host or _NUMBER.fullmatch(host.rpartition(".")[2]) is not None


def _is_local_name(host: str) -> bool:
    return any(host == name or host.endswith(f".{name}") for name in _LOCAL_NAMES)


class PublicWeb:
    """Policy for the sites that sources are read from: public addresses, at the ports of HTTP and HTTPS."""

    def require(self, target: Destination) -> None:
        """Raise VectoraError when the policy refuses the address, without resolving its name."""
        if target.port not in PORTS.values():
            raise VectoraError(
                f"The address names port {target.port} of {target.host}, and sources are read at ports 80 and 443 "
                "only: correct the source's url, or have the feed served at the usual port."
            )
        if _is_local_name(target.host):
            raise VectoraError(
                f"{target.host} is a name of a private network, and sources are read on the public internet only: "
                "correct the source's url."
            )
        if _is_literal(target.host) and not is_public(target.host):
            raise VectoraError(
                f"{target.host} is not an address of the public internet, and sources are read there only: "
                "correct the source's url."
            )

    def addresses(self, host: str, port: int) -> list[str]:
        """Return the checked IP addresses of a host; callers connect to them without resolving the name again.

        Raise VectoraError when one of them is not public, OSError when the name cannot be resolved.
        """
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        for address in addresses:
            if not is_public(address):
                raise VectoraError(
                    f"{host} leads to {address}, which is not an address of the public internet, and sources are read "
                    "there only: correct the source's url."
                )
        return addresses[:_ADDRESSES_TRIED]


def link_address(url: str) -> str | None:
    """Return the address if it is safe to show to readers, else None.

    Safe is http(s) to a public host, without hidden characters, user name or password.
    """
    if (
        len(url) > MAX_LINK_CHARACTERS
        or visible_text(url) != url
        or not re.fullmatch(r"(?i)https?://[^\s<>\"'\\]+", url)
    ):
        return None
    try:
        target = destination(url)
    except VectoraError:
        return None
    if _is_local_name(target.host) or (_is_literal(target.host) and not is_public(target.host)):
        return None
    return url


def resolved_link(base: str, href: str) -> str | None:
    """Return the complete address of a link on the page `base` if it is safe to show to readers, else None.

    It is the address that the link leads to, without redirect services and without parameters that track the reader.
    """
    # Browsers also drop line breaks from addresses. Characters that would end the address in other texts are encoded.
    written = re.sub(r"[\t\r\n]", "", href[: 2 * MAX_LINK_CHARACTERS].strip())
    try:
        address = untracked(urlsplit(urljoin(base, written)).geturl())
    except ValueError:
        return None
    return link_address(re.sub(r"[\s<>\"'\\`]", lambda sign: quote(sign[0]), address))
