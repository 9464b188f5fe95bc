"""Free ports on this machine, outside the range that the system hands to outgoing connections.

A server that is killed and started again needs its port back: inside that range any client's connection could sit on it meanwhile.
"""

import random
import socket
from pathlib import Path

HOST = "127.0.0.1"
LOWEST, BELOW = 20_000, 32_768


def free(count: int) -> list[int]:
    """Returns so many ports that nothing listens on, no two equal. OSError: there are not so many."""
    first, last = (int(word) for word in Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    candidates = [port for port in range(LOWEST, BELOW) if not first <= port <= last]
    random.SystemRandom().shuffle(candidates)
    found: list[int] = []
    for port in candidates:
        if len(found) == count:
            break
        if _is_free(port):
            found.append(port)
    if len(found) < count:
        raise OSError(f"there are no {count} free ports between {LOWEST} and {BELOW} on {HOST}")
    return found


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
