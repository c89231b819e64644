# Sources the files of its arguments; at each --tell prints every variable that is set, as
# name NUL value NUL attributes NUL, after a record separator. Runs in namespaces of its own.

_flasher_protect() {
    local line target options
    while read -r line; do
        set -- $line
        target=$(printf '%b' "$5") options=$6
        case $target in /proc | /proc/*) continue ;; esac
        mount -o "remount,bind,ro,${options#r[ow],}" "$target" 2>/dev/null ||
            mount -o remount,bind,ro "$target" 2>/dev/null || [ "$target" != / ] ||
            { echo "This computer cannot be made read-only for a config." >&2; exit 1; }
    done </proc/self/mountinfo
    mount -t tmpfs -o mode=1777 tmpfs /dev/shm || exit 1
}

_flasher_tell() {
    local _flasher_name
    printf '\036'
    for _flasher_name in $(compgen -v); do
        case " $_flasher_known " in *" $_flasher_name "*) continue ;; esac
        case $_flasher_name in _flasher_* | _ | BASH* | FUNCNAME | PIPESTATUS) continue ;; esac
        printf '%s\0%s\0%s\0' "$_flasher_name" "${!_flasher_name}" "${!_flasher_name@a}"
    done
}

exec 3>&1 1>&2
_flasher_protect
TMPDIR=/dev/shm
# What is set so far is not the config's; BASE_DIR is what a config may rely on.
_flasher_known="$(compgen -v | grep --invert-match --line-regexp IMG_SUFFIX | tr '\n' ' ')"
_flasher_files=("$@")
set --
for _flasher_file in "${_flasher_files[@]}"; do
    if [ "$_flasher_file" = --tell ]; then
        _flasher_tell >&3
    else
        set -e  # as build.sh does
        source "$_flasher_file"
        set +eu
    fi
done
exec 3>&-
exit 0
