#!/bin/sh
# The unit, codec and vector tests on other CPUs: arm64, and big-endian s390x. Built here by Debian's cross compilers
# against the libraries of a foreign root that nothing is run in; only the tests are emulated (qemu-user).
#   tests/cross.sh [arm64|s390x ...]    ends with "N passed, N failed"
set -u
cd "$(dirname "$0")/.." || exit 2
. tests/tools/packages.sh
jobs=$(nproc)
counts=$(mktemp)
trap 'rm -f "$counts"' EXIT
libraries=libc6-dev,libevent-dev,libssl-dev,libjansson-dev,libsqlite3-dev,zlib1g-dev,libpcre2-dev,libinih-dev,libcmocka-dev

# Debian's name of an architecture as GNU's, and as qemu's and meson's
triplet() { case $1 in arm64) echo aarch64-linux-gnu ;; *) echo "$1-linux-gnu" ;; esac; }
cpu() { case $1 in arm64) echo aarch64 ;; *) echo "$1" ;; esac; }

# The libraries, unpacked and not set up: no program of that CPU runs for it.
root_of() {
    root=build-root-$1
    [ -f "$root/.ready" ] && return 0
    rm -rf "$root"
    debootstrap --foreign --arch="$1" --variant=minbase --include="$libraries" bookworm "$root" >"$root.log" 2>&1 ||
        { tail -n 5 "$root.log"; return 1; }
    for deb in "$root"/var/cache/apt/archives/*.deb; do
        dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$root" --keep-directory-symlink || return 1
    done
    rm -rf "${root:?}/tmp" "${root:?}/dev" # an emulated program takes what is in the root for the machine's own
    touch "$root/.ready"
}

machine_file() { # ARCH: what meson has to know
    t=$(triplet "$1") c=$(cpu "$1") root=$PWD/build-root-$1 endian=little
    [ "$1" != s390x ] || endian=big
    cat <<INI
[binaries]
c = '$t-gcc'
ar = '$t-ar'
strip = '$t-strip'
pkgconfig = 'pkg-config'
exe_wrapper = ['qemu-$c-static', '-L', '$root']
[built-in options]
c_args = ['--sysroot=$root']
c_link_args = ['--sysroot=$root']
[properties]
sys_root = '$root'
pkg_config_libdir = '$root/usr/lib/$t/pkgconfig:$root/usr/share/pkgconfig'
[host_machine]
system = 'linux'
cpu_family = '$c'
cpu = '$c'
endian = '$endian'
INI
}

run_on() { # ARCH
    folder=build-cross-$1
    machine_file "$1" >"build-root-$1/meson.ini"
    if [ ! -f "$folder/build.ninja" ]; then
        meson setup "$folder" --cross-file "build-root-$1/meson.ini" -Dwerror=false -Dbuildtype=debugoptimized >"$folder.log" 2>&1 ||
            { tail -n 20 "$folder.log"; return 1; }
    fi
    ninja -j "$jobs" -C "$folder" >"$folder.log" 2>&1 || { grep -E -A4 'error|FAILED' "$folder.log" | head -n 40; return 1; }
    tests/tools/tally "$counts" "unit on $1" meson "$folder" \
        meson test -C "$folder" --no-rebuild --suite unit --print-errorlogs -q -t 20
}

# shellcheck disable=SC2048,SC2086 # lists of words
need $build_packages debootstrap qemu-user-static || exit 2
# shellcheck disable=SC2048 # a list of words
for arch in ${*:-arm64 s390x}; do
    need "gcc-$(triplet "$arch" | tr _ -)" "libc6-dev-$arch-cross" || exit 2
    root_of "$arch" && run_on "$arch" || echo "0 1 0" >>"$counts"
done
awk '{ p += $1; f += $2 } END { printf "%d passed, %d failed\n", p, f; exit f > 0 || p == 0 }' "$counts"
