#!/bin/bash
# All end-to-end tests, or those named. usage: run.sh BINDIR [NAME...]   (NAME_test.py)
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
bindir=$(cd "$1" && pwd)
shift
names=("$@")
[ ${#names[@]} -gt 0 ] || names=($(cd "$here" && ls ./*_test.py | sed 's|./\(.*\)_test.py|\1|'))

passed=0 failed=0
for name in "${names[@]}"; do
    echo "== $name"
    log=$(mktemp)
    PYTHONDONTWRITEBYTECODE=1 timeout 600 python3 "$here/${name}_test.py" "$bindir" 2>&1 | tee "$log"
    counts=$(tail -1 "$log" | grep -E '^[0-9]+ passed, [0-9]+ failed$' || echo "0 passed, 1 failed")
    rm -f "$log"
    read -r good _ bad _ <<<"$counts"
    passed=$((passed + good)) failed=$((failed + bad))
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
