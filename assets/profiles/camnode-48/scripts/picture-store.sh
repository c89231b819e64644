#!/bin/sh
# Runs once on the central node, as root: where the pictures will lie.
set -eu
install -d -m 0755 /srv/pictures
echo "pictures go to /srv/pictures"
