#!/bin/bash -e
echo "never: the folder is skipped" > "${ROOTFS_DIR}/etc/never"
