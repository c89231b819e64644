import pytest

from builder.bootable import find_missing

CONFIG = "arm_64bit=1\nkernel=vmlinuz-6.12\n# kernel=old\ninitramfs initrd.img-6.12\n"
NAMES = {"config.txt", "cmdline.txt", "start.elf", "vmlinuz-6.12", "initrd.img-6.12"}


def test_a_whole_boot_folder_misses_nothing():
    assert find_missing(NAMES, CONFIG) == []


@pytest.mark.parametrize("name", sorted(NAMES))
def test_each_file_that_the_firmware_needs_is_missed(name):
    config = "" if name == "config.txt" else CONFIG
    (told,) = find_missing(NAMES - {name}, config)
    assert name in told


def test_a_config_without_a_kernel_is_told():
    assert find_missing(NAMES, "arm_64bit=1\n") == ["config.txt names no kernel"]
