# Sourced: foreign_root ARCH makes a Debian 12 of another CPU in build-root-ARCH, with all that a build needs, and
# prints nothing. in_root ARCH COMMAND... runs a command in it, in the source folder. Needs root (or sudo).

as_root=
[ "$(id -u)" = 0 ] || as_root=sudo

foreign_root() {
    root=build-root-$1
    [ -f "$root/.ready" ] && return 0
    need debootstrap || return 1
    case $1 in
    i386) ;;
    *) need qemu-user-static binfmt-support || return 1 ;;
    esac
    $as_root rm -rf "$root"
    $as_root debootstrap --arch="$1" --variant=minbase --include=gcc,libc6-dev,meson,ninja-build,pkg-config,python3-minimal,libevent-dev,libssl-dev,libjansson-dev,libsqlite3-dev,zlib1g-dev,libpcre2-dev,libinih-dev,libcmocka-dev \
        bookworm "$root" >"$root.log" 2>&1 || { tail -n 5 "$root.log" >&2; return 1; }
    $as_root mkdir -p "$root/src" "$root/out"
    $as_root touch "$root/.ready"
}

in_root() {
    root=build-root-$1
    shift
    # shellcheck disable=SC2016 # the inner shells expand them
    # a private mount name space: nothing is left mounted whatever happens
    $as_root unshare -m sh -c 'root=$1; shift; mount --bind . "$root/src" && mount -t proc proc "$root/proc" &&
        exec chroot "$root" sh -c "cd /src && exec \"\$@\"" sh "$@"' sh "$root" "$@"
}
