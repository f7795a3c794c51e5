# Sourced: installs Debian packages that are missing, with sudo only where it is needed.
#   need pkg-config libevent-dev ...

build_packages="gcc libc6-dev meson ninja-build pkg-config python3 libevent-dev libssl-dev libjansson-dev
  libsqlite3-dev zlib1g-dev libpcre2-dev libinih-dev"

need() {
    missing=
    for p in "$@"; do
        dpkg-query -W -f '${db:Status-Abbrev}' "$p" 2>/dev/null | grep -q '^ii' || missing="$missing $p"
    done
    [ -z "$missing" ] && return 0
    command -v apt-get >/dev/null || { echo "please install:$missing" >&2; return 1; }
    as_root=
    [ "$(id -u)" = 0 ] || as_root=sudo
    echo "installing:$missing" >&2
    # shellcheck disable=SC2086 # a list of words
    {
        $as_root apt-get update -qq
        DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends $missing
    } >"${TMPDIR:-/tmp}/tgd-apt.log" 2>&1 || { tail -n 20 "${TMPDIR:-/tmp}/tgd-apt.log" >&2; return 1; }
}
