#!/bin/sh
# Builds everything with clang: its warnings are errors too.
folder=build-test-clang
[ -f $folder/build.ninja ] || CC=clang meson setup $folder >$folder.log 2>&1 || { tail -n 20 $folder.log; exit 1; }
ninja -j "${1:-2}" -C $folder >$folder.log 2>&1 || { grep -E -A4 'error|FAILED' $folder.log | head -n 40; exit 1; }
