#!/bin/bash -e
echo "a folder of any name counts" > "${ROOTFS_DIR}/etc/files"
