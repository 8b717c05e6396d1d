# The stages of tests/run.sh, sourced by it; the working directory is the root of the tree. A stage
# is a function that runs under `set -e`, writes to its log, and says "N passed, N failed" on its
# last line.

jobs=${TLSCACHE_JOBS:-$(nproc)}

# build_preset PRESET [TARGET...]: all errors are shown, not only the first.
build_preset() {
    local preset=$1 target=("${@:2}")
    cmake --preset "$preset" &&
        cmake --build --preset "$preset" -j "$jobs" ${target:+--target "${target[@]}"} -- -k 0
}

# Counts translation units: those that compiled, and those that did not or whose program did not link.
compile_all() {
    local preset=$1 log=build/logs/compile-$1.log total failed status=0
    build_preset "$preset" >"$log" 2>&1 || status=$?
    cat "$log"
    total=$(grep -c '"file":' "build/$preset/compile_commands.json")
    failed=$(grep -c '^FAILED: ' "$log" || true)
    [ "$status" = 0 ] || [ "$failed" != 0 ] || failed=1
    echo "$((total > failed ? total - failed : 0)) passed, $failed failed"
}

# What ctest knows under a label, and the folder's own run.sh where there is one.
run_label() {
    local label=$1 preset=${2:-release} counts
    counts=build/logs/counts-$label-$preset
    : >"$counts"
    # Not through a pipe to grep -q: pipefail would take ctest's broken pipe for "no test".
    if [[ $(ctest --test-dir "build/$preset" -N -L "^$label\$") == *"Test "*"#"* ]]; then
        counted "$counts" tests/support/ctest_counts.py "build/$preset" "$label" "$jobs"
    fi
    if [ -f "tests/$label/run.sh" ]; then
        counted "$counts" bash "tests/$label/run.sh" "$PWD/build/$preset/bin"
    fi
    sum_counts "$counts"
}

# counted FILE COMMAND...: adds the command's last line "N passed, N failed" to the file; a command
# that fails without counting a failure adds one.
counted() {
    local counts=$1 output status=0 last
    shift
    output=$(mktemp)
    "$@" 2>&1 | tee "$output" || status=$?
    last=$(tail -1 "$output" | grep -E '^[0-9]+ passed, [0-9]+ failed$' || true)
    rm -f "$output"
    if [ -z "$last" ] || { [ "$status" != 0 ] && [[ $last == *" 0 failed" ]]; }; then
        last="0 passed, 1 failed"
    fi
    echo "$last" >>"$counts"
}

# Adds up all lines "N passed, N failed" of a file.
sum_counts() {
    awk '/^[0-9]+ passed, [0-9]+ failed$/ { passed += $1; failed += $3 }
         END { printf "%d passed, %d failed\n", passed, failed }' "$1"
}

stage_format() {
    local files failed log=build/logs/format-findings.log
    mapfile -t files < <(git ls-files '*.cpp' '*.hpp' '*.c' '*.h')
    printf '%s\0' "${files[@]}" | xargs -0 -P "$jobs" -n 40 clang-format --dry-run >"$log" 2>&1
    cat "$log"
    failed=$(sed -n 's/^\([^ :]*\):[0-9]*:[0-9]*: warning: .*/\1/p' "$log" | sort -u | wc -l)
    echo "$((${#files[@]} - failed)) passed, $failed failed"
}

stage_lint() { python3 tests/lint/lint.py; }

stage_gcc() { compile_all release; }
stage_clang() { compile_all clang; }

stage_unit() { build_preset release; run_label unit; }
stage_wire() { build_preset release; run_label wire; }
stage_e2e() { build_preset release; run_label e2e; }
stage_fault() { build_preset release; run_label fault; }
stage_install() { build_preset release; run_label install; }

stage_bench_smoke() {
    build_preset release
    bash bench/run.sh smoke
}

stage_asan() {
    # Not detect_stack_use_after_return: gcc 12's fake stack does not align cache lines.
    export ASAN_OPTIONS=strict_string_checks=1
    export UBSAN_OPTIONS=print_stacktrace=1
    build_preset asan tests_unit
    run_label unit asan
}

stage_tsan() {
    export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1
    local probe
    probe=$(mktemp -d)
    echo 'int main() { return 0; }' >"$probe/probe.cpp"
    clang++ -fsanitize=thread "$probe/probe.cpp" -o "$probe/probe"
    if ! "$probe/probe"; then
        rm -rf "$probe"
        echo "not run: ThreadSanitizer does not start on this kernel (vm.mmap_rnd_bits above 28?)"
        return
    fi
    rm -rf "$probe"
    build_preset tsan tests_unit
    run_label unit tsan
}

# Every input of the corpus through its parser, under AddressSanitizer. With --full libFuzzer looks
# for new inputs too, TLSCACHE_FUZZ_SECONDS a target.
stage_fuzz_replay() {
    local program
    build_preset asan tests_fuzz-replay
    run_label fuzz-replay asan
    [ "${TLSCACHE_FULL:-0}" = 1 ] || return 0
    build_preset fuzz tests_fuzz-replay
    for program in build/fuzz/bin/*_fuzz; do
        counted build/logs/counts-fuzz-replay-asan fuzz_for_a_while "$program"
    done
    sum_counts build/logs/counts-fuzz-replay-asan
}

fuzz_for_a_while() {
    local seeds status=0
    seeds=$(mktemp -d)
    cp "tests/fuzz/corpus/${1##*/}"/* "$seeds"
    "$1" -max_total_time="${TLSCACHE_FUZZ_SECONDS:-60}" -print_final_stats=1 "$seeds" || status=$?
    rm -rf "$seeds"
    [ "$status" = 0 ] && echo "1 passed, 0 failed" || echo "0 passed, 1 failed"
}
