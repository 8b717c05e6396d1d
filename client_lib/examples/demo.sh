#!/bin/bash
# Shows that TLS clients resume on frontends that never saw them before, and that nothing fails when
# the daemon is killed. Starts one tlscached and three frontends on free ports; all of it is gone
# when the script ends. usage: demo.sh [--seconds N]   (how long the table shall live; default 6)
#
# Each connection goes to another frontend than the one before and offers the session that the last
# one gave. So of 60 connections 59 can resume, and only if the frontends share their sessions.
set -uo pipefail
export LC_ALL=C.UTF-8
root=$(cd "$(dirname "$0")/../.." && pwd)
bin=$root/build/release/bin

seconds=6
if [ "${1:-}" = --seconds ] && [[ ${2:-} =~ ^[1-9][0-9]{0,4}$ ]]; then
    seconds=$2
elif [ $# -ne 0 ]; then
    echo "usage: $0 [--seconds N]" >&2
    exit 2
fi

connections=60                             # per protocol version
interval_ms=$((seconds * 1000 / (4 * connections + connections / 2)))

work= pids=()
cleanup() {
    [ ${#pids[@]} -eq 0 ] || kill -KILL "${pids[@]}" 2>/dev/null
    while alive "${pids[@]}"; do sleep 0.02; done
    [ -z "$work" ] || rm -rf "$work"
}
# Whether one of the processes is still there.
alive() {
    local pid
    for pid in "$@"; do
        ! kill -0 "$pid" 2>/dev/null || return 0
    done
    return 1
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

fail() {
    echo "demo: $*" >&2
    tail -n 5 "$work"/*.log >&2
    exit 1
}

# start OUTPUT COMMAND...: in the background, output to that file; ends with this script even if the
# script is killed. Sets `started`.
start() {
    local output=$1
    shift
    setpriv --pdeathsig KILL "$@" >"$work/$output" 2>>"$work/errors.log" &
    started=$!
    pids+=("$started")
    disown "$started" # bash shall not announce how it ended
}

gone() { ! alive "$@"; }

# until_true COMMAND...: tries until it succeeds, for at most 10 s.
until_true() {
    local deadline=$((SECONDS + 10))
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$deadline" ] || fail "gave up waiting for: $*"
        sleep 0.02
    done
}

# start_frontends HOW...: three of them; sets `frontends` (addresses) and `frontend_pids`.
start_frontends() {
    local name
    frontends=() frontend_pids=()
    rm -f "$work"/[abc].port
    for name in a b c; do
        start "frontend-$name.log" "$bin/tls_frontend" --name "$name" --cert "$work/cert.pem" \
            --key "$work/cert.key" --port-file "$work/$name.port" "$@"
        frontend_pids+=("$started")
    done
    for name in a b c; do
        until_true [ -s "$work/$name.port" ]
        frontends+=("127.0.0.1:$(cat "$work/$name.port")")
    done
}

node_connections() {
    [ "$("$bin/tlscachectl" --server "unix:$work/node.sock" stats | awk '$1 == "curr_connections" { print $2 }')" -ge "$1" ]
}

# A frontend connects to the node at its first handshake: one each, offering nothing.
warm_up() {
    "$bin/tls_probe" "${frontends[@]}" --count 3 --tls 1.3 --no-offer >"$work/warm-up.log" 2>&1 ||
        fail "the frontends do not answer"
    until_true node_connections 4 # three frontends and the one that asks
}

show_row() {
    local end='\n'
    [ "${1:-}" = live ] && end='\r'
    printf "%-22s %7s     %4s of %-4s    %-26s$end" "$row" "$succeeded/$seen" "$crossed" "$moved" \
        "a ${landed[0]}  b ${landed[1]}  c ${landed[2]}"
}

# run_phase ROW PROBE_OPTIONS...: counts what the probe tells, one line of its ledger at a time.
# Sets seen, succeeded, moved (landed elsewhere than the connection before), crossed (and resumed).
run_phase() {
    local line address spoken options i
    local -A before=()
    row=$1 seen=0 succeeded=0 moved=0 crossed=0 landed=(0 0 0)
    shift
    for options in "$@"; do
        # shellcheck disable=SC2086
        start ledger "$bin/tls_probe" "${frontends[@]}" $options --interval-ms "$interval_ms" --progress
    done
    while read -r line; do
        [[ $line =~ \"frontend\":\"([^\"]*)\" ]] || continue
        address=${BASH_REMATCH[1]}
        [[ $line =~ \"version\":\"([^\"]*)\" ]] && spoken=${BASH_REMATCH[1]}
        seen=$((seen + 1))
        [[ $line == *'"outcome":"failed"'* ]] || succeeded=$((succeeded + 1))
        for i in 0 1 2; do
            [ "$address" != "${frontends[$i]}" ] || landed[i]=$((landed[i] + 1))
        done
        if [ -n "${before[$spoken]:-}" ] && [ "${before[$spoken]}" != "$address" ]; then
            moved=$((moved + 1))
            [[ $line != *'"outcome":"resumed"'* ]] || crossed=$((crossed + 1))
        fi
        before[$spoken]=$address
        [ ! -t 1 ] || show_row live
        [ "$seen" != "${kill_after:-}" ] || kill -KILL "$daemon"
    done <"$work/ledger"
    show_row
}

echo "building (the first time takes some minutes) ..."
bash "$root/tests/run.sh" build || exit 1

work=$(mktemp -d)
mkfifo "$work/ledger"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -days 2 \
    -keyout "$work/cert.key" -out "$work/cert.pem" >"$work/openssl.log" 2>&1 || fail "no certificate"
"$bin/tlscachectl" keygen --cluster "$work/cluster.key" --node "$work/node.key" \
    >"$work/keygen.log" 2>&1 || fail "no keys"
echo "node1 unix:$work/node.sock" >"$work/ring"
# The usual deadline is 3 ms; this machine may be busy with other things.
cat >"$work/client.toml" <<TOML
namespace = "demo"
ring = "$work/ring"
key_file = "$work/cluster.key"
deadline_ms = 200
TOML

start tlscached.log "$bin/tlscached" -p 0 -s "$work/node.sock"
daemon=$started
until_true "$bin/tlscachectl" --server "unix:$work/node.sock" stats

printf '\n%-22s %10s   %15s   %s\n' "" handshakes "resumed elsewhere" "connections by frontend"
good=1

start_frontends --no-cache
for version in 1.2 1.3; do
    run_phase "without cache TLSv$version" "--tls $version --count $connections"
    [ "$crossed" = 0 ] && [ "$moved" = $((connections - 1)) ] && [ "$succeeded" = $connections ] || good=0
done
kill "${frontend_pids[@]}"
until_true gone "${frontend_pids[@]}"

start_frontends --config "$work/client.toml"
warm_up
for version in 1.2 1.3; do
    run_phase "tlscached     TLSv$version" "--tls $version --count $connections"
    [ "$crossed" = $((connections - 1)) ] && [ "$moved" = "$crossed" ] && [ "$succeeded" = $connections ] || good=0
    summary="${summary:-} TLSv$version $crossed/$moved"
done

# Half of the connections in each version, side by side; the daemon dies in the middle.
half=$((connections / 2))
kill_after=$half
run_phase "daemon killed at $half" "--tls 1.2 --count $half" "--tls 1.3 --count $half"
[ "$succeeded" = $connections ] && [ "$seen" = $connections ] || good=0
gone "$daemon" || fail "the daemon still lives"

echo
echo "cross-frontend resumption:$summary, daemon killed: $succeeded/$seen handshakes"
[ "$good" = 1 ]
