#!/bin/sh -e
# Compiled here, once, and not by each Pi at its first start. The digest of a file's source is
# compared, so one that was edited on a node counts.
python3 -m compileall -q --invalidation-mode checked-hash /usr/lib/python3/dist-packages/autosetup
