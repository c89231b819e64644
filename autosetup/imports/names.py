"""The names of other systems' files, as they lie in the root of a boot partition."""

from __future__ import annotations

# Each with the kind of node that it is for.
ARCHIVES = {"autosetup_camnode.zip": "camnode", "autosetup_centralnode.zip": "centralnode"}
SSH = ("ssh", "ssh.txt")
USERS = ("userconf", "userconf.txt")
WIFI = ("wpa_supplicant.conf",)
# In the order in which they are told; of each group there may be one.
GROUPS = (tuple(ARCHIVES), SSH, USERS, WIFI)
NAMES = tuple(name for group in GROUPS for name in group)
