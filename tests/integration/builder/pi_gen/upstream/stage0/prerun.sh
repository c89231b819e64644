#!/bin/bash -e

if [ ! -d "${ROOTFS_DIR}/etc" ]; then
	bootstrap "${RELEASE}" "${ROOTFS_DIR}" http://archive.invalid/
fi
