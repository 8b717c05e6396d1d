#!/bin/bash
# All fault tests, or those named: NAME_test.py here, and programs fault_NAME in BINDIR.
# usage: run.sh BINDIR [NAME...]
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
bindir=$(cd "$1" && pwd)
shift
names=("$@")
if [ ${#names[@]} = 0 ]; then
    for file in "$here"/*_test.py; do
        [ -f "$file" ] && names+=("$(basename "$file" _test.py)")
    done
    for file in "$bindir"/fault_*; do
        [ -x "$file" ] && names+=("${file##*/fault_}")
    done
fi

passed=0 failed=0
for name in "${names[@]}"; do
    echo "== $name"
    if [ -f "$here/${name}_test.py" ]; then
        command=(python3 "$here/${name}_test.py" "$bindir")
    else
        command=("$bindir/fault_$name")
    fi
    log=$(mktemp)
    status=0
    PYTHONDONTWRITEBYTECODE=1 timeout 300 "${command[@]}" >"$log" 2>&1 || status=$?
    cat "$log"
    # A program without counts of its own (or doctest's) is one check.
    counts=$(tail -1 "$log" | grep -E '^[0-9]+ passed, [0-9]+ failed$') ||
        counts=$([ "$status" = 0 ] && echo "1 passed, 0 failed" || echo "0 passed, 1 failed")
    rm -f "$log"
    read -r good _ bad _ <<<"$counts"
    [ "$status" = 0 ] || [ "$bad" != 0 ] || bad=1
    passed=$((passed + good)) failed=$((failed + bad))
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
