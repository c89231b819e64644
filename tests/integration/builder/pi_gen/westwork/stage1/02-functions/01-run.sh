#!/bin/bash -e
cp "${STAGE_WORK_DIR}/note" "${ROOTFS_DIR}/etc/note"
rm "${ROOTFS_DIR}/opt/script"
echo "${STAGE} after ${PREV_STAGE}" > "${ROOTFS_DIR}/etc/stages"
[ -z "${CUSTOM}" ]
