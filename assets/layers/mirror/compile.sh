#!/bin/sh -e
# Compiled here, once, and not by each Pi at each start of a service that may not write there.
python3 -m compileall -q --invalidation-mode checked-hash /usr/lib/python3/dist-packages/flasher
