"""What other systems know on a boot partition, taken over where there is no payload.

`wpa_conf`, `userconf` and `seed_zip` read one file each, `convert` makes a payload of what they
say, `found` looks for them and erases what was taken over.
"""
