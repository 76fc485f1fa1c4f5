"""Which network addresses a message may be sent to.

Only public ones, unless the admin allows others by their exact networks in `CIFAR_NOTIFY_ALLOW`;
addresses at which a cloud answers with its secrets are never allowed. An IPv6 address that stands
for an IPv4 address (RFC 4291, 3056, 6052, 5214) is judged as that one.
"""

import ipaddress
from collections.abc import Iterable, Sequence

from cifar_core.errors import NotificationError

IP = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

METADATA = tuple(  # of the clouds; some of them would count as public
    map(
        ipaddress.ip_network,
        (
            *("169.254.0.0/16", "fe80::/10", "168.63.129.16/32", "100.100.100.200/32"),
            *("192.0.0.192/32", "fd00:ec2::/32", "fd20:ce::/32"),
        ),
    )
)
LOW_32_BITS = tuple(  # IPv6 networks whose last 32 bits are an IPv4 address
    map(ipaddress.IPv6Network, ("::ffff:0:0/96", "::ffff:0:0:0/96", "::/96", "64:ff9b::/96"))
)
SITE_LOCAL = ipaddress.IPv6Network("fec0::/10")  # private, but global to Python (RFC 3879)
NEVER = (  # IPv6 networks that hide an IPv4 address which cannot be judged
    ipaddress.IPv6Network("2001::/32"),  # Teredo
    ipaddress.IPv6Network("64:ff9b:1::/48"),  # local translation, of a form that varies
)
ISATAP = (0x00005EFE, 0x02005EFE)  # the 32 bits before the IPv4 address


def allowed_networks(text: str) -> tuple[Network, ...]:
    """Return the networks that a text names, such as "10.1.2.3 192.168.7.0/24"; with commas too."""
    words = text.replace(",", " ").split()
    try:
        return tuple(ipaddress.ip_network(word) for word in words)
    except ValueError as error:
        raise NotificationError(
            "$CIFAR_NOTIFY_ALLOW must list addresses or networks, such as 10.1.2.3 or "
            "192.168.7.0/24, but it holds something else. No message is sent until it is corrected."
        ) from error


def may_connect(host: str, allowed: Sequence[Network] = ()) -> bool:
    """Return True if a message may be sent to a numeric address; False for a name."""
    try:
        ip = judged(ipaddress.ip_address(host.partition("%")[0]))
    except ValueError:
        return False
    if is_in(ip, METADATA) or is_in(ip, NEVER) or ip.is_unspecified or ip.is_multicast:
        return False
    return (ip.is_global and ip not in SITE_LOCAL) or is_in(ip, allowed)


def judged(ip: IP) -> IP:
    """Return the IPv4 address that an IPv6 address stands for; any other address as it is."""
    if isinstance(ip, ipaddress.IPv4Address):
        return ip
    low, middle = int(ip) & 0xFFFFFFFF, int(ip) >> 32 & 0xFFFFFFFF
    is_own = ip.is_loopback or ip.is_unspecified  # ::1 and :: lie in ::/96
    if (is_in(ip, LOW_32_BITS) and not is_own) or (middle in ISATAP and not ip.is_link_local):
        return ipaddress.IPv4Address(low)
    return ip.sixtofour or ip


def is_in(ip: IP, networks: Iterable[Network]) -> bool:
    """Whether an address lies in any of the networks."""
    return any(ip in network for network in networks if network.version == ip.version)
