#!/bin/sh
# The README's first command: installs what is missing, builds, starts the sandbox (an offline Telegram) and the
# daemon in a temporary folder, logs in, sends and receives, and leaves both running until Ctrl-C with one-liners
# to try. With --once it ends by itself; the exit status says whether all of it worked.
set -eu
cd "$(dirname "$0")/.."
. tests/tools/packages.sh
once=
[ "${1:-}" = --once ] && once=1

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
run() { # shows a command, then runs it
    printf '\033[36m$ %s\033[0m\n' "$*"
    eval "$*"
}

say "1. Build"
# shellcheck disable=SC2086 # a list of words
need $build_packages socat jq
build=${TGD_BUILD:-build}
[ -f "$build/build.ninja" ] || meson setup "$build" -Dtests=false >"$build.log" 2>&1 ||
    { tail -n 20 "$build.log" >&2; exit 1; }
ninja -C "$build" daemon/tgd rpc/ctl/tgctl tests/sandbox/tgd-sandbox >"$build.log" 2>&1 ||
    { grep -E -A4 'error|FAILED' "$build.log" >&2; exit 1; }
PATH=$PWD/$build/daemon:$PWD/$build/rpc/ctl:$PWD/$build/tests/sandbox:$PATH
export PATH
tgd --version

dir=$(mktemp -d "${TMPDIR:-/tmp}/tgd-demo.XXXXXX")
pids=
stop() {
    trap - EXIT INT TERM
    # shellcheck disable=SC2086 # a list of words
    [ -z "$pids" ] || { kill $pids 2>/dev/null && wait $pids 2>/dev/null; } || true
    rm -rf "$dir"
}
trap stop EXIT
trap 'exit 130' INT TERM

wait_for() { # until the file is there; both programs make it when they are ready
    for _ in $(seq 100); do
        [ -e "$1" ] && return 0
        sleep 0.05
    done
    echo "no $1" >&2
    cat "$dir"/*.log >&2
    exit 1
}
control() { echo "{\"id\":1,\"method\":\"$1\",\"params\":$2}" | socat -t10 - "UNIX:$dir/sandbox/control.sock"; }

say "2. An offline Telegram, and the daemon on it"
S=$dir/tgd.sock
export S TGD_SOCKET="$S"
tgd-sandbox --dir "$dir/sandbox" >"$dir/sandbox.log" 2>&1 &
pids=$!
wait_for "$dir/sandbox/servers.json"
tgd --state-dir "$dir/state" --socket "$S" --servers "$dir/sandbox/servers.json" \
    --api-id 12345 --api-hash 0123456789abcdef0123456789abcdef >"$dir/tgd.log" 2>&1 &
pids="$pids $!"
wait_for "$S"
echo "tgd serves $S"

say "3. Log in, over real MTProto (the sandbox's user has a phone of Telegram's test range)"
control addUser '{"phone":"9996621234","first_name":"Terry","username":"terry"}' >/dev/null
run "echo +9996621234 | tgctl logIn phone=@-"
run "echo 22222 | tgctl submitCode code=@-"

say "4. Somebody subscribes with socat"
printf '\033[36m$ %s\033[0m\n' "echo '{\"id\":1,\"method\":\"subscribe\",\"params\":{\"types\":[\"message\"],\"direction\":\"in\"}}' | socat -t86400 - UNIX:\$S | jq ..."
# shellcheck disable=SC2094
{ echo '{"id":1,"method":"subscribe","params":{"types":["message"],"direction":"in"}}' | socat -t86400 - "UNIX:$S" |
    jq --unbuffered -r 'if .method == "event" then .params.message | "<< \(.chat_title): \(.text)" else "subscribed at cursor \(.result.cursor)" end' |
    tee "$dir/received"; } &
pids="$pids $!"
for _ in $(seq 100); do grep -q subscribed "$dir/received" 2>/dev/null && break; sleep 0.05; done

say "5. Send, and Alice answers"
run "echo '{\"method\":\"sendMessage\",\"params\":{\"chat_id\":\"@alice\",\"text\":\"build ok\"}}' | socat -t60 - UNIX:\$S | jq -c '.result | {id, chat_title, text}'" | tee "$dir/sent"
terry=$(tgctl getMe -r .id)
control sendAs "{\"from\":\"alice\",\"to\":$terry,\"text\":\"well done\"}" >/dev/null
for _ in $(seq 100); do grep -q 'well done' "$dir/received" && break; sleep 0.05; done
grep -q '"text":"build ok"' "$dir/sent" && grep -q 'Alice.*well done' "$dir/received" || { echo "the demo failed" >&2; exit 1; }
stubs=$(control stubs '{}' | jq -c '.result')
case $stubs in *[1-9]*) echo "methods without behaviour were called: $stubs" >&2 && exit 1 ;; esac
[ -z "$once" ] || { say "It works."; exit 0; }

say "Both are running until Ctrl-C. In another terminal:"
cat <<EOF

  export S=$S TGD_SOCKET=$S PATH=$PWD/$build/rpc/ctl:\$PATH

  tgctl chats -H
  tgctl send @alice 'hello'
  tgctl history @alice -H
  tgctl listen types=message -r .message.text
  tgctl help sendMessage
  echo '{"method":"help.getConfig"}' | socat -t60 - UNIX:\$S | jq .result.dc_options

  # what the others in the sandbox do is up to you:
  echo '{"id":1,"method":"sendAs","params":{"from":"alice","to":$terry,"text":"ping"}}' | socat - UNIX:$dir/sandbox/control.sock
EOF
wait
