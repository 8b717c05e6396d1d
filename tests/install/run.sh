#!/bin/bash
# Installs what BINDIR's build made, moves the prefix, and builds and runs a stranger's programs
# against it in a clean directory. usage: run.sh BINDIR
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1/.." && pwd)
root=$(cd "$here/../.." && pwd)
scratch=$(mktemp -d)
daemon=
cleanup() {
    [ -z "$daemon" ] || kill "$daemon" 2>/dev/null
    rm -rf "$scratch"
}
trap cleanup EXIT

passed=0 failed=0
# check SENTENCE COMMAND...: the command must succeed; its output is shown if it does not.
check() {
    local sentence=$1
    shift
    if "$@" >"$scratch/check.log" 2>&1; then
        echo "ok: $sentence"
        passed=$((passed + 1))
    else
        echo "FAILED: $sentence: $*"
        tail -n 30 "$scratch/check.log"
        failed=$((failed + 1))
    fi
}

check "cmake --install" cmake --install "$build" --prefix "$scratch/first"
mv "$scratch/first" "$scratch/prefix" # nothing may remember where it was installed
prefix=$scratch/prefix
lib=$(dirname "$(find "$prefix" -name libtlscache.a | head -1)")
export PKG_CONFIG_PATH=$lib/pkgconfig

check "no file of the installation names the build or the sources" \
    bash -c '! grep -rlI -e "$1" -e "$2" "$3"' - "$build" "$root" "$prefix"
check "tlscached is installed and tells its version" "$prefix/bin/tlscached" -V
check "tlscachectl is installed and tells its version" "$prefix/bin/tlscachectl" --version

for header in "$prefix"/include/tlscache/*; do
    name=tlscache/$(basename "$header")
    check "$name compiles alone as C++20" bash -c \
        'echo "#include <$1>" | g++ -std=c++20 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -x c++ -I"$2/include" -' - "$name" "$prefix"
done
check "tlscache/tlscache.h compiles alone as C11" bash -c \
    'echo "#include <tlscache/tlscache.h>" | gcc -std=c11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -x c -I"$1/include" -' - "$prefix"
for name in cache.hpp tlscache.h; do
    check "tlscache/$name needs neither Boost nor OpenSSL headers" bash -c \
        'echo "#include <tlscache/$1>" | g++ -std=c++20 -H -fsyntax-only -x c++ -I"$2/include" - 2>&1 | { ! grep -e /boost/ -e /openssl/ -e /fmt/; }' - "$name" "$prefix"
done

cp -r "$here/stranger" "$scratch/stranger"
for language in C CXX; do
    check "a project in $language finds the CMake package" cmake -S "$scratch/stranger" \
        -B "$scratch/build-$language" -DLANGUAGE=$language -DCMAKE_PREFIX_PATH="$prefix"
    check "a project in $language builds against it" cmake --build "$scratch/build-$language"
done
cd "$scratch/stranger" || exit 1
check "pkg-config and a C compiler are enough" bash -c \
    'gcc -std=c11 main.c -o ../pc_c $(pkg-config --cflags --libs tlscache)'
check "pkg-config and a C++ compiler are enough" bash -c \
    'g++ -std=c++20 main.cpp -o ../pc_cxx $(pkg-config --cflags --libs tlscache)'
check "the server in README.md compiles and links" bash -c \
    'awk "/^\`\`\`cpp/ {on = 1; next} /^\`\`\`/ {on = 0} on" "$1/README.md" >../readme.cpp && [ -s ../readme.cpp ] &&
        g++ -std=c++20 -Wall -Wextra ../readme.cpp -o ../readme $(pkg-config --cflags --libs tlscache)' - "$root"

cd "$scratch" || exit 1
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=stranger \
    -keyout key.pem -out cert.pem -days 2 2>/dev/null
check "tlscachectl keygen writes key files" "$prefix/bin/tlscachectl" keygen
"$prefix/bin/tlscached" -p 0 -s "$scratch/node.sock" --port-file "$scratch/listens" >daemon.log 2>&1 &
daemon=$!
ready=0
for _ in $(seq 1000); do
    if "$prefix/bin/tlscachectl" --server "unix:$scratch/node.sock" stats >/dev/null 2>&1; then
        ready=1
        break
    fi
done
check "the installed daemon answers the installed tool" [ "$ready" = 1 ]
for program in build-C/stranger_c build-CXX/stranger_cxx pc_c pc_cxx; do
    check "$program resumes on its second context" \
        "./$program" cert.pem key.pem "unix:$scratch/node.sock" cluster.key
done

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
