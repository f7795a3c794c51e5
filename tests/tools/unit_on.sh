#!/bin/sh
# The unit, codec and vector tests as 32-bit programs, in a Debian of that architecture.
cd "$(dirname "$0")/../.." || exit 2
. tests/tools/packages.sh
. tests/tools/foreign_root.sh
foreign_root "${2:-i386}" || { echo "no ${2:-i386} root"; exit 1; }
in_root "${2:-i386}" sh -c "
    [ -f /out/b/build.ninja ] || meson setup /out/b -Dsandbox=true >/out/log 2>&1 || { tail -n 20 /out/log; exit 1; }
    ninja -j ${1:-2} -C /out/b >/out/log 2>&1 || { grep -E -A4 'error|FAILED' /out/log | head -n 40; exit 1; }
    meson test -C /out/b --no-rebuild --suite unit >/out/log 2>&1 || tail -n 40 /out/log
    cp /out/b/meson-logs/testlog.json /out/testlog.json" || { echo "0 passed, 1 failed"; exit 1; }
python3 - "build-root-${2:-i386}/out/testlog.json" <<'PY'
import json, re, sys
passed = failed = 0
for row in map(json.loads, open(sys.argv[1])):
    taps = re.findall(r"^(ok|not ok) \d", row.get("stdout", ""), re.M)
    passed += taps.count("ok")
    failed += max(taps.count("not ok"), row["result"] != "OK")
    if row["result"] != "OK":
        print(row["name"], row["result"])
print(f"{passed} passed, {failed} failed")
sys.exit(failed > 0)
PY
