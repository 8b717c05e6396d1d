#!/usr/bin/env bash
# Measures tlscached beside memcached and a bare floor server, or checks that measuring works.
#
#   bench/run.sh load [--quick] [--items N] [--cycles N] [--shape NAME]... [--bindir DIR] [--write-readme]
#   bench/run.sh smoke [--bindir DIR]
#
# load   table on standard output and in build/bench/, CSV beside it; exit 1 if a value was wrong
# smoke  under 30 s, ends with "N passed, N failed"
# --bindir DIR  programs as they are there; else the release preset is built and used
#
# Everything started here is ended here; nothing else is touched.
set -u
cd "$(dirname "$0")/.." || exit 2
root=$PWD

usage() {
    sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$root/bench/run.sh"
    exit 2
}

# --- programs ---------------------------------------------------------------------------------

find_memcached() {
    command -v memcached > /dev/null && return
    if [ "$(id -u)" -ne 0 ]; then
        echo "missing package: sudo apt-get install -y memcached" >&2
        exit 2
    fi
    echo "installing memcached" >&2
    # The package starts a service of its own, which a measurement has no use for.
    RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq memcached > /dev/null || exit 2
}

find_programs() {
    local name
    if [ -z "$bindir" ]; then
        bindir=$root/build/release/bin
        echo "building tlscache_load, floor_server, tlscached" >&2
        { [ -f build/release/build.ninja ] || cmake --preset release > /dev/null; } &&
            cmake --build --preset release \
                --target tlscache_load --target floor_server --target tlscached > "$work/build.log" 2>&1 || {
            tail -20 "$work/build.log" >&2
            echo "the build failed; 'bash tests/run.sh build' installs what it needs" >&2
            exit 2
        }
    fi
    for name in tlscache_load floor_server tlscached; do
        [ -x "$bindir/$name" ] || { echo "$bindir/$name: not there" >&2; exit 2; }
    done
}

# --- servers: each on core 0 with one worker, the generator on core 1 --------------------------

started=()
work=$(mktemp -d)
stop_all() {
    local pid
    for pid in "${started[@]}"; do
        kill "$pid" 2> /dev/null
    done
    for pid in "${started[@]}"; do
        wait "$pid" 2> /dev/null
    done
    rm -rf "$work"
}
trap stop_all EXIT
trap 'exit 130' INT TERM

on_core() {
    local core=$1
    shift
    if [ "$(nproc)" -gt "$core" ]; then
        exec taskset -c "$core" "$@"
    fi
    exec "$@"
}

# start NAME COMMAND...: in the background; its process id is left in $pid.
start() {
    local name=$1
    shift
    on_core 0 "$@" > "$work/$name.log" 2>&1 &
    pid=$!
    started+=("$pid")
}

# wait_for NAME FILE: until the server has made the file (a port file or a socket); 10 s.
wait_for() {
    local tries=0
    until [ -s "$2" ] || [ -S "$2" ]; do
        tries=$((tries + 1))
        if [ "$tries" -gt 200 ] || ! kill -0 "$pid" 2> /dev/null; then
            echo "$1 did not start:" >&2
            cat "$work/$1.log" >&2
            exit 2
        fi
        sleep 0.05
    done
}

memory=1024 # MiB; 1 M items take about 320
user=()
[ "$(id -u)" -ne 0 ] || user=(-u root)

start_floor() {
    start floor "$bindir/floor_server" "$work/floor.port" "$work/floor.sock"
    wait_for floor "$work/floor.port"
    servers+=(--server "floor=127.0.0.1:$(awk '{print $3}' "$work/floor.port"),pid=$pid,proto=raw"
        --server "floor=unix:$work/floor.sock,pid=$pid,proto=raw")
}

start_tlscached() {
    start tlscached "$bindir/tlscached" "${user[@]}" -t 1 -m $memory -c 1024 -l 127.0.0.1 -p -1 \
        -s "$work/tlscached.sock" --port-file "$work/tlscached.port"
    wait_for tlscached "$work/tlscached.port"
    wait_for tlscached "$work/tlscached.sock"
    tlscached_address=127.0.0.1:$(awk '$1 == "tcp" {print $3; exit}' "$work/tlscached.port")
    tlscached_pid=$pid
    add_server tlscached "$tlscached_address" "$pid"
    add_server tlscached "unix:$work/tlscached.sock" "$pid"
}

# memcached serves TCP or a Unix socket, never both, so there are two of it.
start_memcached() {
    MEMCACHED_PORT_FILENAME=$work/memcached.port \
        start memcached memcached "${user[@]}" -t 1 -m $memory -c 1024 -U 0 -l 127.0.0.1 -p -1
    wait_for memcached "$work/memcached.port"
    memcached_address=127.0.0.1:$(awk '/^TCP INET:/ {print $3; exit}' "$work/memcached.port")
    memcached_pid=$pid
    add_server memcached "$memcached_address" "$pid"
    servers+=(--server "memcached-aa=$memcached_address,pid=$pid")

    start memcached-unix memcached "${user[@]}" -t 1 -m $memory -c 1024 -s "$work/memcached.sock"
    wait_for memcached-unix "$work/memcached.sock"
    add_server memcached "unix:$work/memcached.sock" "$pid"
    servers+=(--server "memcached-aa=unix:$work/memcached.sock,pid=$pid")
}

# Text in all shapes; meta at depth 32, where it differs (memcached 1.6.18 sends one reply at a
# time in text).
add_server() {
    servers+=(--server "$1=$2,pid=$3" --server "$1-meta=$2,pid=$3,proto=meta,depth=32")
}

start_servers() {
    servers=()
    start_floor
    start_tlscached
    start_memcached
}

generate() {
    (on_core 1 "$bindir/tlscache_load" "$@")
}

# --- load -------------------------------------------------------------------------------------

describe_run() {
    local cpu
    cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)
    notes=(--note "date=$(date -u '+%Y-%m-%d %H:%M UTC')"
        --note "commit=$(git describe --always --dirty 2> /dev/null || echo unknown)"
        --note "machine=$(nproc) x $cpu, kernel $(uname -r), $(sed -n 's/^PRETTY_NAME="\(.*\)"/\1/p' /etc/os-release)"
        --note "servers=$(memcached --version), $("$bindir/tlscached" -V 2>&1 | head -1); one worker on core 0, generator on core 1"
        --note "method=on-CPU time of all threads of the server / operations, interleaved slices in random order, every reply checked whole")
}

# bar WHAT VALUE LIMIT
bar() {
    awk -v what="$1" -v value="$2" -v limit="$3" 'BEGIN {
        if (value == "" || limit == "") exit
        printf "bar: %s: %.2f (at most %.2f): %s\n", what, value, limit, value <= limit ? "met" : "MISSED" }'
}

cell() { # SHAPE TRANSPORT SERVER COLUMN
    awk -F, -v shape="$1" -v over="$2" -v server="$3" -v column="$4" '
        /^#/ { next }
        !names { for (i = 1; i <= NF; i++) at[$i] = i; names = 1; next }
        $1 == shape && $2 == over && $3 == server { print $at[column] }' "$csv"
}

# Puts FILE between the page's markers "<!-- NAME begins -->" and "<!-- NAME ends -->".
replace_part() {
    local page=$1 name=$2 file=$3
    awk -v begins="<!-- $name begins -->" -v ends="<!-- $name ends -->" -v file="$file" '
        $0 == ends { skip = 0 }
        !skip { print }
        $0 == begins { skip = 1; while ((getline line < file) > 0) print line }' \
        "$page" > "$work/page.md" && cp "$work/page.md" "$page"
}

# The rows of the CSV that a reader of the front page asks for.
front_page_table() {
    awk -F, '
        /^# date: / { date = substr($0, 9) }
        /^# servers: / { servers = substr($0, 12) }
        /^#/ || $1 == "shape" { next }
        $3 == "tlscached" { floor[$1 $2] = $9; ratio[$1 $2] = $13; if (!seen[$1]++) order[++n] = $1 }
        $17 > claim[$1 $2] { claim[$1 $2] = $17 }
        function cell(key) { return sprintf("%.2f (from %.0f %%)", ratio[key], 100 * claim[key]) }
        END {
            printf "%s; %s.\n\n", date, servers
            print "| shape | TCP, x floor | TCP, x memcached | Unix socket, x memcached |"
            print "|---|---|---|---|"
            for (i = 1; i <= n; ++i)
                printf "| %s | %.2f | %s | %s |\n", order[i], floor[order[i] "tcp"], cell(order[i] "tcp"), cell(order[i] "unix")
        }' "$1"
}

write_readme() {
    { echo '```text'; cat "$1"; echo '```'; } > "$work/table.md"
    replace_part bench/README.md "load table" "$work/table.md"
    front_page_table "$2" > "$work/front.md"
    replace_part README.md "load summary" "$work/front.md"
}

run_load() {
    local stamp status
    find_memcached
    find_programs
    start_servers
    describe_run
    mkdir -p build/bench
    stamp=build/bench/load-$(date -u +%Y%m%dT%H%M%SZ)
    csv=$stamp.csv
    generate "${servers[@]}" "${notes[@]}" --items "$items" --cycles "$cycles" \
        "${shapes[@]}" --csv "$csv" > "$stamp.txt"
    status=$?
    if [ $status -ne 0 ]; then
        rm -f "$stamp.txt"
        exit $status
    fi
    {
        bar "get depth 1 over tcp, tlscached x floor" "$(cell get-d1 tcp tlscached x_floor)" 1.5
        bar "get depth 32 over tcp, tlscached x memcached (limit: memcached's meta)" \
            "$(cell get-d32 tcp tlscached x_baseline)" "$(cell get-d32 tcp memcached-meta x_baseline)"
    } >> "$stamp.txt"
    cat "$stamp.txt"
    [ -z "$update_readme" ] || write_readme "$stamp.txt" "$csv"
    echo "written: $stamp.txt $csv" >&2
}

# --- smoke ------------------------------------------------------------------------------------

passed=0
failed=0

# check WHAT EXIT_CODE PATTERN COMMAND...: the command ends with that code and says that.
check() {
    local what=$1 code=$2 pattern=$3 got
    shift 3
    "$@" > "$work/out" 2>&1
    got=$?
    if [ "$got" -eq "$code" ] && grep -q -- "$pattern" "$work/out"; then
        passed=$((passed + 1))
        echo "ok      $what"
    else
        failed=$((failed + 1))
        echo "FAILED  $what: exit $got (expected $code), looked for '$pattern' in:"
        tail -5 "$work/out" | cut -c 1-300
    fi
}

# A number above 0 in the CPU column for each of the rows: 7 shapes with floor, tlscached,
# memcached and its second name, and 3 of them with two meta rows, each over TCP and Unix.
csv_is_whole() {
    awk -F, '/^#/ || /^shape/ { next } $6 > 0 && $18 > 0 { n++ } END { print n + 0 " rows" }' "$work/smoke.csv"
}

start_stand_in() {
    rm -f "$work/stand-in.port"
    start stand-in python3 bench/load/swapping_server.py --port-file "$work/stand-in.port" "$@"
    wait_for stand-in "$work/stand-in.port"
    stand_in=(--server "stand-in=127.0.0.1:$(awk '{print $3}' "$work/stand-in.port"),pid=$pid")
}

run_smoke() {
    local small=(--items 2000 --cycles 1 --slice-ms 20 --warm-up-ms 2)
    find_memcached
    find_programs
    start_servers
    check "all shapes, servers and transports; every value verified" 0 "^mget32" \
        generate "${servers[@]}" "${small[@]}" --csv "$work/smoke.csv"
    check "the CSV has every row with its figures" 0 "^68 rows" csv_is_whole
    check "a miss that should be a hit fails the run (memcached)" 1 "miss in reply" \
        generate --server "m=$memcached_address,pid=$memcached_pid" --items 20000 --no-fill --cycles 1
    check "a miss that should be a hit fails the run (tlscached)" 1 "miss in reply" \
        generate --server "t=$tlscached_address,pid=$tlscached_pid" --items 20000 --no-fill --cycles 1
    start_stand_in
    check "control: the honest stand-in passes" 0 "^get-d1" \
        generate "${stand_in[@]}" "${small[@]}" --shape get-d1 --shape mget32
    start_stand_in --swap
    check "a swapped value fails the run (get)" 1 "wrong value in reply" \
        generate "${stand_in[@]}" "${small[@]}" --shape get-d1
    check "a swapped value fails the run (multiget)" 1 "wrong value in reply" \
        generate "${stand_in[@]}" "${small[@]}" --shape mget32
    check "a server that is not there is told" 3 "connect:" \
        generate --server "none=unix:$work/none.sock,pid=$$"
    check "a wrong option is told" 2 "unknown option" generate --server "m=127.0.0.1:1,pid=1,x=1"
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
}

# --- command line -----------------------------------------------------------------------------

[ $# -ge 1 ] || usage
command=$1
shift
items=1000000
cycles=12
bindir=
update_readme=
shapes=()
while [ $# -gt 0 ]; do
    case $1 in
        --quick) items=100000 cycles=3 ;;
        --write-readme) update_readme=1 ;;
        --items | --cycles | --bindir | --shape)
            [ $# -ge 2 ] || usage
            case $1 in
                --items) items=$2 ;;
                --cycles) cycles=$2 ;;
                --bindir) bindir=$2 ;;
                --shape) shapes+=(--shape "$2") ;;
            esac
            shift
            ;;
        *) usage ;;
    esac
    shift
done
case $command in
    load) run_load ;;
    smoke) run_smoke ;;
    *) usage ;;
esac
