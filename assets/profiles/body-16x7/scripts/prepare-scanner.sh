#!/bin/sh
# Runs once on the node, as root, when its settings are in place.
set -eu
install -d -m 0755 /var/lib/scanner
printf 'name=%s\nrole=%s\nposition=%s\n' "$NODE_NAME" "$NODE_ROLE" "$NODE_POSITION" \
    > /var/lib/scanner/node
echo "$NODE_POSITION is ready for pictures"
