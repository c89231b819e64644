#!/bin/sh
# Says on the console how the node is, does what the boot partition orders, then writes without end.

tell() {
	echo "witness: $*" >/dev/console
}

autosetup status --wait >/dev/null 2>&1
mode=open
if [ -e /run/autosetup/sealed ]; then mode=sealed; fi
mountpoint -q /data || mode=alone
state=$(autosetup status --json | python3 -c 'import json, sys; s = json.load(sys.stdin); print(s["state"], s["generation"])')
tell "$mode $state $(findmnt -no FSTYPE /) $(cd /etc && echo kept-*)"

order=none
if [ -e /boot/firmware/order ]; then order=$(cat /boot/firmware/order); fi
case $order in
none) ;;
keep*) : >"/etc/kept-${order#keep }" && sync "/etc/kept-${order#keep }" ;;
*) tell "$($order 2>&1)" ;;
esac

count=0
while :; do
	count=$((count + 1))
	echo "$count" >/data/count.draft && sync /data/count.draft && mv /data/count.draft /data/count
	dd if=/dev/urandom of="/data/busy.$((count % 7))" bs=64k count=4 conv=fsync 2>/dev/null
	dd if=/dev/urandom of=/var/lib/busy bs=64k count=4 conv=fsync 2>/dev/null
	echo "$count" >>/etc/busy
	tell "round $count"
done
