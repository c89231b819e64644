#!/bin/bash -e
# Nothing here belongs to a package, and all of it is made again where it is needed.
shopt -s nullglob dotglob
apt-get clean
rm -rf /var/lib/apt/lists/* /var/cache/man/* /var/cache/fontconfig/* \
    /usr/share/icons/*/icon-theme.cache \
    /root/.cache /home/*/.cache /root/.bash_history /home/*/.bash_history
for left in .dpkg-old .dpkg-dist .dpkg-new .ucf-old .ucf-dist; do
    find /etc -xdev -name "*$left" -delete
done
find /etc/apt -name '*~' -delete
