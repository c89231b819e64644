#!/bin/bash -e

export CUSTOM="of the host"
on_chroot << EOF
echo "expanded outside: ${FIRST_USER_NAME:-nobody}" > /etc/outside
EOF
on_chroot << 'EOF'
echo "expanded inside: $CUSTOM, in $PWD" > /etc/inside
EOF
on_chroot <<- EOF
	mkdir -p /opt/made
	touch /opt/made/empty
EOF
echo "echo one argument \$1 > /etc/argument" > "${ROOTFS_DIR}/opt/script"
on_chroot /opt/script first
echo "lasts" > "${STAGE_WORK_DIR}/note"
cp "${STAGE_DIR}/02-functions/files/word" "${ROOTFS_DIR}/etc/word"
mount -t tmpfs tmpfs "${ROOTFS_DIR}/mnt"
touch "${ROOTFS_DIR}/mnt/lost"
unmount "${ROOTFS_DIR}/mnt"
