"""Files of other systems as people have them on boot partitions."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

from tests.unit.autosetup.sample_payloads import HASH, public_key

WPA = b"""\
ctrl_interface=DIR=/var/run/wpa_supplicant GROUP=netdev
update_config=1
country=DE

# at home
network={
\tssid="Studio 5 GHz"
\tpsk="correct # horse"  # as on the box
\tkey_mgmt=WPA-PSK
}
network={
\tssid="guest"
\tkey_mgmt=NONE
\tpriority=-1
}
network={
\tssid=P"a\\x00\\tb\\303\\n"
\tscan_ssid=1
\tsae_password="65;66; two words"
\tkey_mgmt=SAE
\tieee80211w=2
\tpriority=10
}
"""
USERCONF = f"maker:{HASH}\n".encode()
PRIVATE = b"-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaA==\n-----END OPENSSH PRIVATE KEY-----\n"
CAMNODE = {
    "NODETYPE": b"CAMNODE\n",
    "camnode.pub": f"{public_key()}\n".encode(),
    "autosetup.sh": b"#!/bin/bash\necho setting up\n",
}
CENTRALNODE = {
    "NODETYPE": b"CENTRALNODE\n",
    "centralnode.pub": f"{public_key()}\n".encode(),
    "camnode.priv": PRIVATE,
    "autosetup.sh": b"#!/bin/bash\necho setting up\n",
    "scanodis_tracker.ini": b'TRACKER_ETHERCALC="https://example.org/x"\n',
}


def zipped(members: Mapping[str, bytes], kind: int = zipfile.ZIP_DEFLATED) -> bytes:
    """The bytes of an archive."""
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", kind) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, kind)
    return raw.getvalue()
