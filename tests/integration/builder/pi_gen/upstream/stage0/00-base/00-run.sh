#!/bin/bash -e

install -v -m 640 -o 1000 -g 50 files/settings "${ROOTFS_DIR}/etc/settings"
install -d -o 33 "${ROOTFS_DIR}/srv/web"
ln -s ../settings "${ROOTFS_DIR}/srv/web/link"
chown 1000:1000 "${ROOTFS_DIR}/srv/web/link" -h
log "a line of its own"
