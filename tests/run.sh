#!/bin/bash
# Builds and tests everything; tests/README.md tells what the stages are. Usage:
#   tests/run.sh [--full]             all stages
#   tests/run.sh [--full] STAGE...    these
#   tests/run.sh build                installs missing packages and builds, no tests
#   tests/run.sh --list               names the stages
# Ends with the line "N passed, N failed"; exit 0 only if nothing failed.
set -uo pipefail
export LC_ALL=C.UTF-8
cd "$(dirname "$0")/.."

stages=(format lint gcc unit wire e2e fault install bench-smoke clang asan tsan fuzz-replay)
optional=" tsan "
source tests/support/stages.sh

# "N passed, N failed" of a stage's log, its last such line.
counts_of() { grep -E '^[0-9]+ passed, [0-9]+ failed$' "$1" | tail -1; }

# Runs one stage and sets passed, failed, seconds, note.
run_stage() {
    local stage=$1 log=build/logs/$1.log begin=$SECONDS status counts
    echo "== $stage"
    # Not in a list with ||, where bash would ignore -e within.
    (set -e; "stage_${stage//-/_}") >"$log" 2>&1 </dev/null
    status=$?
    seconds=$((SECONDS - begin)) passed=0 failed=0 note=
    counts=$(counts_of "$log")
    if [ -n "$counts" ]; then
        read -r passed _ failed _ <<<"$counts"
    fi
    if [[ $optional == *" $stage "* ]] && [ "$status" = 0 ] && tail -1 "$log" | grep -q '^not run: '; then
        note=$(tail -1 "$log")
        return
    fi
    # A stage that breaks off, or that tested nothing, has failed whatever it counted before.
    if [ "$failed" = 0 ] && { [ "$status" != 0 ] || [ "$passed" = 0 ]; }; then
        failed=1
    fi
    if [ "$failed" != 0 ]; then
        echo "-- $stage failed; the end of $log:"
        tail -n "${TLSCACHE_LOG_LINES:-60}" "$log"
    fi
}

chosen=()
while [ $# -gt 0 ]; do
    case $1 in
    --full) export TLSCACHE_FULL=1 TLSCACHE_TEST_OPS=${TLSCACHE_TEST_OPS:-1000000} ;;
    --list)
        for stage in "${stages[@]}"; do
            [[ $optional == *" $stage "* ]] && echo "$stage (optional)" || echo "$stage"
        done
        exit 0
        ;;
    build) chosen+=(build) ;;
    *)
        if [[ " ${stages[*]} " != *" $1 "* ]]; then
            echo "tests/run.sh: no stage '$1'; see tests/run.sh --list" >&2
            exit 2
        fi
        chosen+=("$1")
        ;;
    esac
    shift
done
[ ${#chosen[@]} -gt 0 ] || chosen=("${stages[@]}")

mkdir -p build/logs
if ! tests/support/install_packages.sh >build/logs/packages.log 2>&1; then
    tail -n 20 build/logs/packages.log
    exit 1
fi

table= passed_all=0 failed_all=0
for stage in "${chosen[@]}"; do
    if [ "$stage" = build ]; then
        build_preset release >build/logs/build.log 2>&1 ||
            { tail -n 60 build/logs/build.log; echo "the build failed: build/logs/build.log"; exit 1; }
        continue
    fi
    run_stage "$stage"
    table+=$(printf '%-12s %8s %8s %8s  %s' "$stage" "$passed" "$failed" "$seconds" "$note")$'\n'
    passed_all=$((passed_all + passed))
    failed_all=$((failed_all + failed))
done
[ -n "$table" ] || exit 0
printf '\n%-12s %8s %8s %8s\n%s\n' stage passed failed seconds "$table"
echo "$passed_all passed, $failed_all failed"
[ "$failed_all" = 0 ]
