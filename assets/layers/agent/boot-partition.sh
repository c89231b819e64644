#!/bin/sh -e
# A boot partition that is damaged or gone must not keep the node from starting: its agent tells of
# it. As systemd.mount(5) has it, `nofail` alone would let the boot run ahead of the mount.
[ -e /etc/fstab ] || exit 0
options=nofail,x-systemd.before=local-fs.target
sed -i -E "/^[^#[:space:]]+[[:space:]]+\/boot(\/firmware)?[[:space:]]/{
/nofail/!s/^([^[:space:]]+[[:space:]]+[^[:space:]]+[[:space:]]+[^[:space:]]+[[:space:]]+[^[:space:]]+)/\1,$options/
}" /etc/fstab
