# Runs one action of a pi-gen stage: KIND and FILE are its arguments, the folder of the file is the
# current one, and the tree of the image is at /image.
#
# Work folders of stages last from one action to the next: they lie in /image/.pi-gen, which the
# kind "end" takes away. What pi-gen calls a stage's rootfs is the tree, bound where scripts look.
set -e -o pipefail
kind=$1 file=$2

export BASE_DIR=/pi-gen SCRIPT_DIR=/pi-gen/scripts WORK_DIR=/work DEPLOY_DIR=/deploy
export STAGE_DIR=$BASE_DIR/$STAGE STAGE_WORK_DIR=$WORK_DIR/$STAGE
export ROOTFS_DIR=$STAGE_WORK_DIR/rootfs LOG_FILE=/tmp/pi-gen.log
if [ -n "$PREV_STAGE" ]; then
    export PREV_STAGE PREV_STAGE_DIR=$BASE_DIR/$PREV_STAGE
    export PREV_ROOTFS_DIR=$WORK_DIR/$PREV_STAGE/rootfs
fi
IMG_DATE=${IMG_DATE:-$(date --utc --date="@$SOURCE_DATE_EPOCH" +%Y-%m-%d)}
export STAGE IMG_DATE IMG_FILENAME="${IMG_FILENAME:-$IMG_DATE-$IMG_NAME}" DEBIAN_FRONTEND=noninteractive
export FLASHER_STRICT FLASHER_PRIVATE_TMP FLASHER_LOCALE FLASHER_WORD_SIZE

source /flasher/functions.sh

if [ "$kind" = end ]; then
    rm --recursive --force /image/.pi-gen
    for table in /image/etc/fstab /image/boot/firmware/cmdline.txt /image/boot/cmdline.txt; do
        [ ! -f "$table" ] || [ -L "$table" ] ||
            sed --in-place 's/\bBOOTDEV\b/LABEL=bootfs/; s/\bROOTDEV\b/LABEL=rootfs/' "$table"
    done
    exit
fi

mkdir --parents /image/.pi-gen "$WORK_DIR" "$DEPLOY_DIR"
mount --bind /image/.pi-gen "$WORK_DIR"
mkdir --parents "$STAGE_WORK_DIR"
if [ -n "$PREV_STAGE" ] && [ "$PREV_STAGE" != "$STAGE" ]; then
    flasher_show "$PREV_ROOTFS_DIR"
fi
if [ "$kind" = prerun ] && [ -z "$FLASHER_READY" ]; then
    [ ! -d "$ROOTFS_DIR" ] || rmdir "$ROOTFS_DIR"
else
    flasher_show "$ROOTFS_DIR"
fi
FLASHER_MOUNTS=$(cut --delimiter=' ' --fields=2 /proc/mounts)
export FLASHER_MOUNTS

place=$PWD/$file
log "Begin $place"
if [ -n "$FLASHER_REFRESH" ] && ! compgen -G "/image/var/lib/apt/lists/*_Packages*" >/dev/null; then
    on_chroot <<<"apt-get update"
fi
case $kind in
prerun)
    "./$file" || exit
    if ! mountpoint --quiet "$ROOTFS_DIR" && [ -d "$ROOTFS_DIR" ]; then
        echo "$STAGE/$file fills its tree by itself; it must call bootstrap or copy_previous." >&2
        exit 1
    fi
    ;;
debconf)
    # Variables in the answers are expanded by the shell in the tree.
    printf 'debconf-set-selections <<SELEOF\n%s\nSELEOF\n' "$(cat "$file")" | on_chroot
    ;;
patches)
    cd "$STAGE_WORK_DIR"
    rm --recursive --force .pc ./*-pc
    mkdir "$(basename "$(dirname "$place")")-pc"
    ln --symbolic "$(basename "$(dirname "$place")")-pc" .pc
    export QUILT_PATCHES=$place QUILT_NO_DIFF_INDEX=1 QUILT_NO_DIFF_TIMESTAMPS=1
    export QUILT_REFRESH_ARGS="-p ab"
    env --unset=BASH_ENV quilt --quiltrc /dev/null upgrade
    status=0
    env --unset=BASH_ENV quilt --quiltrc /dev/null push -a || status=$?
    case $status in
    0) ;;
    2) echo "No patch was applied: $place/series names none, or all are applied." ;;
    *) exit "$status" ;;
    esac
    ;;
run) "./$file" || exit ;; # the line that is told is the script's
chroot) on_chroot <"$file" || exit ;;
esac
log "End $place"
