#!/bin/sh
# Makes what starts GRUB: a file for UEFI on the boot partition, and /boot/grub/boot-code.img, which
# the builder lays in front of the first partition; and the links to what GRUB starts. No drive is
# looked at.
set -eu

# What grub.cfg uses, and what a person needs at its prompt.
MODULES="normal part_msdos fat ext2 linux boot echo test probe regexp smbios serial terminal sleep
    configfile search ls cat halt reboot minicmd"
# The second partition of the drive that GRUB is started from.
PREFIX="(,msdos2)/boot/grub"

for_uefi() {
    [ -d "/usr/lib/grub/$1" ] || return 0
    mkdir -p /boot/firmware/EFI/BOOT
    # shellcheck disable=SC2086
    grub-mkimage --format "$1" --prefix "$PREFIX" --output "/boot/firmware/EFI/BOOT/$2" \
        $MODULES all_video
}

for_bios() {
    code=/boot/grub/boot-code.img
    # shellcheck disable=SC2086
    grub-mkimage --format i386-pc --prefix "$PREFIX" --output /tmp/core.img $MODULES biosdisk vbe
    # The first sector looks for the rest in the second one unless it is told otherwise.
    cat /usr/lib/grub/i386-pc/boot.img /tmp/core.img > "$code"
    # Some BIOSes name another drive than the one that they start from: two bytes of no effect let
    # the code see to it, as grub-install does for hard disks (GRUB_BOOT_MACHINE_DRIVE_CHECK).
    printf '\220\220' | dd of="$code" bs=1 seek=102 conv=notrunc status=none
}

# The link /initrd.img: kernels that are installed in a build are told that they have none yet.
newest=$(linux-version list | linux-version sort | tail -n 1)
linux-update-symlinks install "$newest" "/boot/vmlinuz-$newest"

for_bios
for_uefi x86_64-efi BOOTX64.EFI
for_uefi i386-efi BOOTIA32.EFI

# Words that layers below have set for the kernel: see builder.inside.boot.
if [ -s /etc/default/raspi-extra-cmdline ]; then
    printf 'set words="%s"\n' "$(cat /etc/default/raspi-extra-cmdline)" > /boot/grub/words.cfg
fi
