"""Who may include whom. The tables are the rule; the functions below only read them.

Paths are those of the tree's root. The longest entry of a table that is the file or a folder
above it applies; "folder/*" is the files of the folder itself, without those below it.
"""
import posixpath
import re

# Folder or file -> what of this tree it may include, beside itself.
PROJECT = {
    "client_lib/wire": [],
    "client_lib/session": ["client_lib/wire"],
    "client_lib/transport": ["client_lib/wire", "client_lib/session/types.hpp"],
    "client_lib/tls": ["client_lib/wire", "client_lib/session", "client_lib/transport", "tlscache"],
    "client_lib/include/tlscache": ["tlscache"],
    "client_lib/examples": ["tlscache"],
    "client_lib/pch.hpp": [],
    "cache_server/limits.hpp": ["client_lib/wire/limits.hpp"],
    "cache_server/store": ["client_lib/wire", "cache_server/limits.hpp"],
    "cache_server/command": ["client_lib/wire", "cache_server/store", "cache_server/limits.hpp"],
    "cache_server/service": [
        "client_lib/wire", "client_lib/session", "cache_server/store", "cache_server/command",
        "cache_server/limits.hpp",
    ],
    "cache_server/net": [
        "client_lib/wire", "cache_server/store", "cache_server/command", "cache_server/service",
        "cache_server/limits.hpp",
    ],
    "cache_server/ctl": [
        "client_lib/wire", "client_lib/session", "client_lib/transport/address.hpp",
    ],
    # The rim: sees policies and backing stores through the registry.
    "cache_server/*": ["cache_server", "client_lib/wire", "plugins/registry.hpp"],
    "plugins/eviction": [
        "cache_server/store/eviction_policy.hpp", "cache_server/store/lazy_array.hpp",
    ],
    "plugins/backing_store": ["cache_server/store/backing_store.hpp", "client_lib/wire"],
    "plugins/integrations": ["tlscache"],
    "plugins/*": [
        "plugins", "cache_server/store/eviction_policy.hpp", "cache_server/store/backing_store.hpp",
    ],
    "bench": ["client_lib", "cache_server", "plugins", "tlscache"],
    "tests": ["client_lib", "cache_server", "plugins", "bench", "tlscache"],
}

# Kind of foreign header -> (which includes are of it, who may include them).
FOREIGN = {
    "ssl.h": (
        r"openssl/(ssl|tls1|ssl3|dtls1)\.h|boost/asio/ssl.*",
        [
            "client_lib/tls", "client_lib/transport/tls_stream", "cache_server/net/tls_stream",
            "cache_server/ctl/audit", "client_lib/include/tlscache/asio.hpp", "client_lib/examples",
            "client_lib/pch.hpp", "plugins/integrations", "bench", "tests",
        ],
    ),
    "libcrypto": (
        r"openssl/.*",
        [
            "client_lib/session", "client_lib/tls", "client_lib/transport/tls_stream",
            "cache_server/service", "cache_server/net/tls_stream", "cache_server/ctl/audit",
            "client_lib/include/tlscache/asio.hpp", "client_lib/examples", "client_lib/pch.hpp",
            "plugins/integrations", "bench", "tests",
        ],
    ),
    "Asio": (
        r"boost/(asio|beast)[./].*",
        [
            "client_lib/transport", "client_lib/include/tlscache/asio.hpp", "client_lib/examples",
            "client_lib/pch.hpp", "cache_server/main.cpp", "cache_server/net",
            "cache_server/service", "cache_server/ctl", "plugins/backing_store", "bench", "tests",
        ],
    ),
    "hiredis": (r"hiredis/.*", ["plugins/backing_store/redis"]),
    "memcached client": (r"libmemcached.*", ["tests", "bench"]),
    "Boost in a public header": (
        r"boost/.*",
        [
            "client_lib/include/tlscache/asio.hpp", "client_lib/wire", "client_lib/session",
            "client_lib/transport", "client_lib/tls", "client_lib/examples", "client_lib/pch.hpp",
            "cache_server", "plugins", "bench", "tests",
        ],
    ),
}

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')


def covers(entry, path):
    """`client_lib/tls` covers what is below it; `client_lib/transport/tls_stream` its .hpp, .cpp."""
    if entry.endswith("/*"):
        return posixpath.dirname(path) == entry[:-2]
    return path == entry or path.startswith(entry + "/") or path.startswith(entry + ".")


def longest(table, path):
    return max((entry for entry in table if covers(entry, path)), key=len, default=None)


def root_of(included):
    """The path in the tree of what is included, or None for a foreign header."""
    if included.startswith(("client_lib/", "cache_server/", "plugins/", "bench/", "tests/")):
        return included
    return included if included.startswith("tlscache/") else None


def project_violation(path, included):
    owner = longest(PROJECT, path)
    if owner is None:
        return f"{path} has no entry in the table of includes"
    target = root_of(included)
    # A folder may include itself; the rim's own entry lists what it may.
    if covers(owner, target) or any(covers(entry, target) for entry in PROJECT[owner]):
        return None
    if owner == "client_lib/include/tlscache" and target.startswith("tlscache/"):
        return None
    return f"{owner} may not include {included}"


def foreign_violation(path, included):
    for kind, (pattern, allowed) in FOREIGN.items():
        if re.fullmatch(pattern, included) and not any(covers(entry, path) for entry in allowed):
            return f"{kind} is not for this file: {included}"
    if path.startswith("client_lib/include/") and not path.endswith("/asio.hpp"):
        if root_of(included) is None and ("/" in included or included.endswith(".hpp")):
            return f"a public header needs the standard library only, not {included}"
    return None
