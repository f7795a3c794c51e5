# shellcheck shell=bash
# Completion of tgctl in bash: methods and parameters are asked from the daemon that would be called.
_tgctl()
{
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} method='' at=() i
    local words='login send listen history chats info status'
    local options='--socket --account --timeout --raw --human --all --queue --dedup --exec --jobs --on-fail --help --version'
    compopt +o nospace 2>/dev/null
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        -s | --socket) at=(--socket "${COMP_WORDS[++i]}") ;;
        -a | --account | -t | --timeout | -r | --raw | --dedup | --exec | --jobs | --on-fail) ((++i)) ;;
        -*) ;;
        *) method=${method:-${COMP_WORDS[i]}} ;;
        esac
    done
    case $prev in
    -s | --socket) mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
    --on-fail) mapfile -t COMPREPLY < <(compgen -W 'stop skip' -- "$cur"); return ;;
    --exec) mapfile -t COMPREPLY < <(compgen -c -- "$cur"); return ;;
    -a | --account)
        mapfile -t COMPREPLY < <(compgen -W "$(tgctl "${at[@]}" listAccounts -r '.items[].name' 2>/dev/null)" -- "$cur")
        return ;;
    -t | --timeout | -r | --raw | --dedup | --jobs) return ;;
    esac
    if [[ $cur == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
    elif [[ -z $method ]]; then
        words+=" $(tgctl "${at[@]}" help -r '.items[].name' 2>/dev/null)"
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
    elif [[ $method == help ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(tgctl "${at[@]}" help -r '.items[].name' 2>/dev/null)" -- "$cur")
    elif [[ $cur != *=* ]]; then
        case $method in
        login) method=logIn ;;
        send) method=sendMessage ;;
        listen) method=subscribe ;;
        history) method=getHistory ;;
        chats) method=getDialogs ;;
        esac
        words=$(tgctl "${at[@]}" help "method=$method" -r '.items[0].params[].name' 2>/dev/null)
        mapfile -t COMPREPLY < <(compgen -S = -W "$words" -- "$cur")
        compopt -o nospace 2>/dev/null
    fi
}
complete -F _tgctl tgctl
