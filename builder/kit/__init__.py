"""What people get who have no shell: the Debian package, and the folder for a USB stick."""
