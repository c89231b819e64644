"""Setup files of other programs: found where they lie about, and read as the draft of a site."""

from flasher.rig.foreign_setup.draft import SiteDraft, drafted_site
from flasher.rig.foreign_setup.files import FoundSetup, find_setups, read_setup

__all__ = ["FoundSetup", "SiteDraft", "drafted_site", "find_setups", "read_setup"]
