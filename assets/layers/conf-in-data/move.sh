#!/bin/bash -e
# Services whose settings differ from rig to rig; dpkg follows such links when it updates settings.
install -d /data/conf
for name in dnsmasq.d hostapd mosquitto nginx postfix; do
    if [ -d "/etc/$name" ] && [ ! -L "/etc/$name" ]; then
        mv "/etc/$name" "/data/conf/$name"
        ln -s "../data/conf/$name" "/etc/$name"
    fi
done
