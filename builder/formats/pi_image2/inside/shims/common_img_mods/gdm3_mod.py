"""A desktop that user `ubuntu` is logged in to. Its packages are in the layer's lock."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

_SCHEMAS = Path("/usr/share/glib-2.0/schemas")
_FILES = Path("/files")
# Ubuntu's name of gdm's settings, then Debian's.
_SETTINGS = (Path("/etc/gdm3/custom.conf"), Path("/etc/gdm3/daemon.conf"))
_LOGIN = "[daemon]\nAutomaticLoginEnable=true\nAutomaticLogin=ubuntu\n"
_IDLE = (
    "[org.gnome.settings-daemon.plugins.power]\nsleep-inactive-ac-type='nothing'\n"
    "sleep-inactive-battery-type='nothing'\n[org.gnome.desktop.session]\nidle-delay=uint32 0\n"
)


def install(disable_sleep_on_idle: bool = False) -> None:
    """Log `ubuntu` in, and take over schemas and wallpaper from `files` where it has them."""
    next(path for path in _SETTINGS if path.exists()).write_text(_LOGIN, encoding="utf-8")
    for schema in sorted(_FILES.glob("*.gschema.xml")):
        shutil.copy(schema, _SCHEMAS)
    wallpaper = _FILES / "branding/magni_wallpaper.png"
    if wallpaper.exists():
        shutil.copy(wallpaper, "/usr/share/magni_wallpaper.png")
    if disable_sleep_on_idle:
        (_SCHEMAS / "50-flasher.gschema.override").write_text(_IDLE, encoding="utf-8")
    subprocess.run(["glib-compile-schemas", str(_SCHEMAS)], check=True)  # noqa: S607
