#!/bin/sh
# Every test of the project: installs what the tests need, builds with sanitizers, runs the suites, ends with
# "N passed, N failed". Names of suites as arguments run only those: unit sim e2e interop fuzz lint bench
# clang i386. Build folders are build-test*/; a second run is much quicker.
set -u
cd "$(dirname "$0")/.." || exit 2
. tests/tools/packages.sh
export LC_ALL=C.UTF-8 ASAN_OPTIONS=abort_on_error=1:detect_leaks=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
jobs=$(nproc)
counts=$(mktemp)
trap 'rm -f "$counts"' EXIT
all="clang unit i386 sim e2e interop fuzz lint bench"
suites=${*:-$all}
tally() { tests/tools/tally "$counts" "$@"; }

build() { # FOLDER CC OPTIONS...
    folder=$1 cc=$2
    shift 2
    if [ ! -f "$folder/build.ninja" ]; then
        CC=$cc meson setup "$folder" "$@" >"$folder.log" 2>&1 || { tail -n 30 "$folder.log"; return 1; }
    fi
    ninja -j "$jobs" -C "$folder" >"$folder.log" 2>&1 || { grep -E -A4 'error|FAILED' "$folder.log" | head -n 40; return 1; }
}

# shellcheck disable=SC2086 # a list of words
need $build_packages libcmocka-dev python3-pytest python3-venv socat jq git ca-certificates || exit 2
build build-test gcc -Db_sanitize=address,undefined -Dbuildtype=debugoptimized || { echo "0 passed, 1 failed"; exit 1; }

for suite in $suites; do
    case $suite in
    unit) tally unit meson build-test meson test -C build-test --no-rebuild --suite unit --print-errorlogs -q ;;
    sim) tally sim line tests/sim/run ;;
    clang)
        need clang || exit 2
        tally "build with clang" exit tests/tools/build_clang.sh "$jobs" ;;
    i386) tally "unit, 32 bit" line tests/tools/unit_on.sh "$jobs" ;;
    e2e)
        need microsocks tinyproxy-bin || exit 2
        tally e2e pytest build-test/e2e.xml python3 -m pytest -q -p no:cacheprovider --junitxml build-test/e2e.xml tests/e2e ;;
    interop) tally interop line tests/interop/run ;;
    fuzz) tally fuzz line tests/fuzz/run ;;
    lint) tally lint line tests/lint/run ;;
    bench)
        need valgrind || exit 2
        tally bench exit tests/bench/run --quick
        tally "instruction counts" exit tests/bench/counts ;;
    *) echo "unknown suite: $suite"; exit 2 ;;
    esac
done

awk '{ p += $1; f += $2; s += $3 } END { printf "%d passed, %d failed%s\n", p, f, s ? ", " s " skipped" : ""; exit f > 0 || p == 0 }' "$counts"
