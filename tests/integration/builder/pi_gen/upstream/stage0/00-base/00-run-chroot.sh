set -u
echo "in the tree, $(ls /tmp | wc -l) files in /tmp" > /etc/chroot
false || echo "goes on" >> /etc/chroot
