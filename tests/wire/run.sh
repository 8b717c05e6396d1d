#!/bin/bash
# Real clients and a real memcached against tlscached: run.sh BINDIR. README.md tells what each part
# asks. Ends with the line "N passed, N failed"; exit status 1 if any failed.
set -uo pipefail
[ $# = 1 ] || { echo "usage: run.sh BINDIR" >&2; exit 2; }
bindir=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)

# Debian's modules belong to Debian's Python, which need not be the first one in PATH.
python=python3
"$python" -c 'import pymemcache' 2>/dev/null || python=/usr/bin/python3

passed=0 failed=0
for part in compare.py other_protocols.py lifetimes.py memccapable.py pymemcache_client.py libmemcached_client.py; do
    echo "== $part"
    output=$("$python" "$here/$part" "$bindir" 2>&1)
    status=$?
    echo "$output"
    counts=$(tail -1 <<<"$output" | grep -E '^[0-9]+ passed, [0-9]+ failed$')
    if [ -n "$counts" ]; then
        read -r good _ bad _ <<<"$counts"
    else
        good=0 bad=1
    fi
    [ "$status" = 0 ] || [ "$bad" != 0 ] || bad=1
    passed=$((passed + good)) failed=$((failed + bad))
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
