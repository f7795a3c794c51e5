#!/bin/sh
# What takes longer than CI has: mutations, the sim over many seeds, a stop at every effect of storage, kills again and
# again, the fuzz targets for longer, all budgets. Ends with "N passed, N failed" and prints figures on its way.
#   TGD_LONG_SEEDS (100000)  TGD_LONG_KILLS (10 rounds)  TGD_LONG_SOAK (900 s)  TGD_FUZZ_SECONDS (300)
# Names as arguments run only those: mutate sim sweep threads kills soak fuzz bench.
set -u
cd "$(dirname "$0")/.." || exit 2
. tests/tools/packages.sh
export LC_ALL=C.UTF-8 ASAN_OPTIONS=abort_on_error=1:detect_leaks=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export TGD_FUZZ_SECONDS="${TGD_FUZZ_SECONDS:-300}"
jobs=$(nproc)
counts=$(mktemp)
trap 'rm -f "$counts"' EXIT
tally() { tests/tools/tally "$counts" "$@"; }

# shellcheck disable=SC2086 # a list of words
need $build_packages libcmocka-dev python3-pytest socat jq git || exit 2
if [ ! -f build-test/build.ninja ]; then
    CC=gcc meson setup build-test -Db_sanitize=address,undefined -Dbuildtype=debugoptimized >build-test.log 2>&1 ||
        { tail -n 30 build-test.log; echo "0 passed, 1 failed"; exit 1; }
fi
ninja -j "$jobs" -C build-test >build-test.log 2>&1 || { tail -n 30 build-test.log; echo "0 passed, 1 failed"; exit 1; }

# shellcheck disable=SC2048 # a list of words
for suite in ${*:-mutate sim sweep threads kills soak fuzz bench}; do
    case $suite in
    mutate) tally mutations line tests/tools/mutate ;;
    sim) # other seeds than CI's
        tally sim line env TGD_SIM_FIRST=100001 TGD_SIM_SEEDS="${TGD_LONG_SEEDS:-100000}" TGD_SIM_HANDSHAKES=3000 tests/sim/run ;;
    sweep) tally "storage, every effect" meson build-test meson test -C build-test --no-rebuild --suite sweep -q ;;
    threads) # what the helper threads share with the loop, seen by ThreadSanitizer
        [ -f build-tsan/build.ninja ] || meson setup build-tsan -Db_sanitize=thread -Dbuildtype=debugoptimized >build-test.log 2>&1
        ninja -j "$jobs" -C build-tsan daemon/tgd rpc/ctl/tgctl tests/sandbox/tgd-sandbox >build-test.log 2>&1
        # the sanitizer itself writes a file at its start: not where none may be written
        tally threads pytest build-test/threads.xml env TGD_BUILD="$PWD/build-tsan" python3 -m pytest -q -p no:cacheprovider \
            --junitxml build-test/threads.xml tests/e2e/test_backup.py tests/e2e/test_disk.py tests/e2e/test_durability.py \
            tests/e2e/test_login.py tests/e2e/test_outbox.py tests/e2e/test_proxies.py -k 'not start_on_a_full_disk' ;;
    kills)
        i=0
        while [ "$i" -lt "${TGD_LONG_KILLS:-10}" ]; do
            i=$((i + 1))
            tally "500 kills under traffic, round $i" pytest build-test/kills.xml env TGD_E2E_KILLS=500 TGD_E2E_SEED=$((i + 1)) \
                python3 -m pytest -q -p no:cacheprovider --junitxml build-test/kills.xml tests/e2e/test_kill_loop.py
            tally "kills, round $i" pytest build-test/kills.xml python3 -m pytest -q -p no:cacheprovider \
                --junitxml build-test/kills.xml tests/e2e/test_kill.py
        done ;;
    soak) # memory, descriptors, wake-ups
        tally soak pytest build-test/soak.xml env TGD_SOAK_SECONDS="${TGD_LONG_SOAK:-900}" \
            python3 -m pytest -q -s -p no:cacheprovider --junitxml build-test/soak.xml tests/e2e/test_soak.py ;;
    fuzz) tally fuzz line tests/fuzz/run ;;
    bench) tally bench exit env TGD_BENCH_ACCOUNTS="${TGD_BENCH_ACCOUNTS:-1000}" tests/bench/run ;;
    *) echo "unknown suite: $suite"; exit 2 ;;
    esac
done

awk '{ p += $1; f += $2; s += $3 } END { printf "%d passed, %d failed%s\n", p, f, s ? ", " s " skipped" : ""; exit f > 0 || p == 0 }' "$counts"
