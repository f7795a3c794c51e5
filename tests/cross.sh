#!/bin/sh
# The unit, codec and vector tests on other CPUs, emulated: arm64 and big-endian s390x. Slow; once an issue.
cd "$(dirname "$0")/.." || exit 2
# shellcheck disable=SC2048 # a list of words
for arch in ${*:-arm64 s390x}; do
    echo "== $arch"
    tests/tools/unit_on.sh "$(nproc)" "$arch" || exit 1
done
