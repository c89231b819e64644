# The functions that scripts of stages call, as pi-gen exports them to bash scripts.

log() {
    date +"[%T] $*" | tee --append "$LOG_FILE"
}

flasher_show() { # the tree of the image, at another place too
    mkdir --parents "$1"
    mount --rbind /image "$1"
    mount -t tmpfs tmpfs "$1/.pi-gen"
}

copy_previous() {
    mountpoint --quiet "$ROOTFS_DIR" || flasher_show "$ROOTFS_DIR"
}

bootstrap() {
    echo "The tree has its packages already: $1 is its lowest layer."
    copy_previous
}

on_chroot() {
    local wrapper=()
    if [ -n "$FLASHER_PRIVATE_TMP" ] && ! mountpoint --quiet "$ROOTFS_DIR/tmp"; then
        mount -t tmpfs -o mode=1777 tmpfs "$ROOTFS_DIR/tmp"
    fi
    if [ ! -e "$ROOTFS_DIR/usr/bin/raspi-config" ] && [ ! -e "$ROOTFS_DIR/run/pi-gen" ]; then
        mkdir "$ROOTFS_DIR/run/pi-gen"
        install --mode=755 /flasher/raspi-config /flasher/systemctl "$ROOTFS_DIR/run/pi-gen"
    fi
    if [ -n "$FLASHER_LOCALE" ]; then
        export LC_ALL=$FLASHER_LOCALE LANG=$FLASHER_LOCALE LC_MEASUREMENT=$FLASHER_LOCALE
    fi
    [ "$FLASHER_WORD_SIZE" != 32 ] || wrapper=(setarch linux32)
    "${wrapper[@]}" env PATH="/run/pi-gen:$PATH" chroot "$ROOTFS_DIR" \
        /bin/bash $FLASHER_STRICT "$@" || return # the line that is told is the caller's
}

unmount() { # what was mounted since the script began; the tree itself stays
    local folder=${1:-$PWD} mounted
    for mounted in $(cut --delimiter=' ' --fields=2 /proc/mounts | sort --reverse); do
        case $mounted in
        "$folder" | "$folder"/*)
            grep --quiet --line-regexp --fixed-strings "$mounted" <<<"$FLASHER_MOUNTS" ||
                umount "$mounted"
            ;;
        esac
    done
}

unmount_image() {
    echo "There are no loop devices here: nothing of $1 is mounted."
}

ensure_next_loopdev() {
    echo "There are no loop devices here."
}

ensure_loopdev_partitions() {
    echo "There are no loop devices here."
}

update_issue() {
    printf '%s %s\nGenerated using %s, %s, %s, %s\n' "$PI_GEN_RELEASE" "$IMG_DATE" "$PI_GEN" \
        "$PI_GEN_REPO" "$GIT_HASH" "$1" >"$ROOTFS_DIR/etc/rpi-issue"
}

export -f log flasher_show copy_previous bootstrap on_chroot unmount unmount_image
export -f ensure_next_loopdev ensure_loopdev_partitions update_issue
