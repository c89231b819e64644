"""Setup files of other programs: found where they lie about, and read as the draft of a site."""

from flasher.rig.foreign_setup.draft import SiteDraft
from flasher.rig.foreign_setup.files import FoundSetup, find_setups, read_setup

__all__ = ["FoundSetup", "SiteDraft", "find_setups", "read_setup"]
