"""The forms that single values must have, and how to say each to people."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
import time
from datetime import UTC, datetime

from autosetup.strict import pattern

HOSTNAME = pattern(
    r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?",
    "a host name: 1 to 63 of a-z, 0-9 and -, with no - at either end",
)
# How files write UTC times, for strftime: 2026-11-21T03:39:50Z. See `utc_text`, `seconds_of`.
UTC_TIME = "%Y-%m-%dT%H:%M:%SZ"
# Where the payload has Debian packages.
PACKAGES = "packages/"
PACKAGE_SOURCE = pattern(
    r"packages/[A-Za-z0-9][A-Za-z0-9.+_~-]{0,200}\.deb",
    "a package of the payload: packages/name.deb, without blanks",
)
# Where it has trees of software.
SOFTWARE_SOURCE = pattern(
    r"software/[A-Za-z0-9][A-Za-z0-9_-]{0,63}\.tar",
    "software of the payload: software/name.tar, of letters, digits, - and _",
)
# Debian Policy, 5.6.1.
PACKAGE = pattern(
    r"[a-z0-9][a-z0-9+.-]{1,200}",
    "the name of a package: a-z, 0-9, +, - and ., such as libcamera-tools",
)
MIRROR = pattern(
    r"https?://[A-Za-z0-9.:\[\]-]{1,255}(?:/[A-Za-z0-9._~/+-]*)?",
    "the address of an archive: http://controller/debian, without a user and blanks",
)
# Of a repository of releases, or of a board.
SOURCE = pattern(
    r"https?://[A-Za-z0-9.:\[\]-]{1,255}(?:/[A-Za-z0-9._~/+-]*)?",
    "an address such as https://central.local:8443, without a user and blanks",
)
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
DOMAIN = pattern(
    rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*",
    "a domain in lower case, such as studio.example.org",
)
VARIABLE = pattern(
    r"[a-z][a-z0-9_]{0,63}", "1 to 64 of a-z, 0-9 and _, with a letter at the beginning"
)
SITE = pattern(r"[a-z0-9][a-z0-9-]{0,62}", "1 to 63 of a-z, 0-9 and -")
ROLE = pattern(r"[a-z0-9][a-z0-9_-]{0,31}", "1 to 32 of a-z, 0-9, _ and -")
POSITION = pattern(r".{0,64}", "at most 64 characters")
USER_NAME = pattern(
    r"(?!root\Z)[a-z_][a-z0-9_-]{0,31}",
    "a user name other than root: a letter or _, then up to 31 of a-z, 0-9, _ and -",
)
ACCOUNT = pattern(
    r"[a-z_][a-z0-9_-]{0,31}", "an account: a letter or _, then up to 31 of a-z, 0-9, _ and -"
)
CRYPT_HASH = pattern(
    r"\$y\$[./A-Za-z0-9]+\$[./A-Za-z0-9]{1,86}\$[./A-Za-z0-9]{43}"
    r"|\$6\$(?:rounds=[1-9][0-9]{3,8}\$)?[./A-Za-z0-9]{1,16}\$[./A-Za-z0-9]{86}"
    r"|\$5\$(?:rounds=[1-9][0-9]{3,8}\$)?[./A-Za-z0-9]{1,16}\$[./A-Za-z0-9]{43}",
    "a password hash of the kind $y$, $6$ or $5$, as `mkpasswd` prints it",
)
PASSPHRASE = pattern(
    r"[\x20-\x7e]{8,63}|[0-9A-Fa-f]{64}",
    "a WPA passphrase: 8 to 63 plain ASCII characters, or the key as 64 hex digits",
)
LANGUAGE = pattern(
    r"C\.UTF-8|[a-z]{2,3}_[A-Z]{2}\.UTF-8(?:@[a-z]+)?", "a UTF-8 locale such as en_GB.UTF-8"
)
KEYBOARD = pattern(r"[a-z]{2,8}", "a keyboard layout such as us, gb or de")
TIMEZONE = pattern(
    r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+){0,2}", "a timezone such as Europe/Berlin"
)
MODE = pattern(r"[0-7]{3,4}", "permissions as octal digits in quotes, such as 0644")
UNIT = pattern(r"[A-Za-z0-9][A-Za-z0-9:_.@-]{0,200}", "a systemd unit such as avahi-daemon.service")
# What decides whether the board starts at all is the image's to say.
CONFIG_LINE = pattern(
    r"(?!\s*(?:kernel|initramfs|ramfsfile|os_prefix|overlay_prefix|cmdline|include|start_file"
    r"|fixup_file|arm_64bit|device_tree|upstream_kernel|auto_initramfs)\b)(?!# autosetup)"
    r"\S(?:.{0,96}\S)?",
    "a line of config.txt of up to 98 characters that does not choose what is started",
)
CMDLINE_WORD = pattern(
    r"(?!(?:root|rootfstype|rootflags|init|initrd|ro|rw)(?:=|\Z))[!-~]{1,200}",
    "a word for the kernel without blanks, other than root=, init= and their like",
)
SHA256 = pattern(r"[0-9a-f]{64}", "a SHA-256 digest: 64 hex digits in lower case")
CARD_ID = pattern(r"[0-9a-f]{32}", "a card id: 32 hex digits in lower case")
KEY = pattern(r"[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=", "a key: 32 bytes in base64")
BASE64 = pattern(
    r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?", "bytes in base64"
)
NONCE = pattern(r"[0-9a-f]{64}", "32 random bytes: 64 hex digits in lower case")
SCRIPT_SOURCE = pattern(
    r"scripts/[0-9]{2}-[A-Za-z0-9][A-Za-z0-9._-]{0,63}",
    "a script of the payload: scripts/, two digits, -, a name; such as scripts/10-camera",
)
CHECK_SOURCE = pattern(
    r"health/[0-9]{2}-[A-Za-z0-9][A-Za-z0-9._-]{0,63}",
    "a health check of the payload: health/, two digits, -, a name; such as health/10-camera",
)

# ISO 3166-1 alpha-2.
_COUNTRY_CODES = """
AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT
BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH
ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT
HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS
LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI
NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG
SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG
UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
"""
COUNTRIES = frozenset(re.findall("[A-Z]{2}", _COUNTRY_CODES))

_KEY_TYPES = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
)
_FROM = re.compile(r'\Afrom="[0-9a-f.:]+(?:,[0-9a-f.:]+)*" ')
_SYSTEM_FOLDERS = ("/dev", "/proc", "/run", "/sys", "/var/lib/autosetup", "/data/autosetup")
_FAT_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f"*:<>?\\|]')


def authorized_key_complaint(line: str) -> str | None:
    """Say what is wrong with one line of an authorized_keys file; None where it is sound.

    Of the options that it may begin with, ``from`` with addresses is known: sshd(8).

    The base64 part is a sequence of length-prefixed strings, the key's type first (RFC 4253, 6.6).
    """
    if "PRIVATE KEY" in line:
        return "This is a private key: keep it, and give the .pub file instead."
    words = _FROM.sub("", line).split(None, 2)
    if len(words) < 2 or words[0] not in _KEY_TYPES:
        return (
            f"Paste the whole line of the .pub file; it begins with {', '.join(_KEY_TYPES[:2])} …"
        )
    strings = _ssh_strings(words[1])
    if not strings:
        return "The middle part is not a whole key: paste the .pub file again, as one line."
    if strings[0] != words[0].encode():
        return f"The line says {words[0]} but its key is {strings[0].decode(errors='replace')}."
    return None


def _ssh_strings(encoded: str) -> list[bytes]:
    """The strings of an SSH key blob; empty where the encoding or any length is wrong."""
    try:
        blob = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return []
    strings = []
    while blob:
        size = int.from_bytes(blob[:4], "big")
        if len(blob) < 4 + size or len(blob) < 4:
            return []
        strings.append(blob[4 : 4 + size])
        blob = blob[4 + size :]
    return strings if len(strings) > 1 else []


def absolute_path_complaint(path: str) -> str | None:
    """Say what is wrong with a place to install a file at; None where it is sound."""
    parts = path.split("/")[1:]
    if not path.startswith("/") or any(part in ("", ".", "..") for part in parts):
        return "It must be an absolute path without //, . or .., such as /etc/motd."
    if any(path == folder or path.startswith(f"{folder}/") for folder in _SYSTEM_FOLDERS):
        return "Nothing can be installed there."
    return None


def payload_path_complaint(path: str) -> str | None:
    """Say why a name cannot stand for a file of the payload on FAT; None where it can."""
    parts = path.split("/")
    if any(part in ("", ".", "..") for part in parts):
        return "It must stay inside the payload: no leading /, no //, no . or .."
    if _FAT_FORBIDDEN.search(path) or any(part[-1] in ". " or part[0] in ". " for part in parts):
        return 'FAT cannot hold this name: avoid " * : < > ? \\ |, and . or space at the ends.'
    return None


def address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An IP address; None for what is none, or counts on one interface only (``fe80::1%eth0``)."""
    try:
        return None if "%" in text else ipaddress.ip_address(text)
    except ValueError:
        return None


def server_complaint(text: str) -> str | None:
    """Say what is wrong with the name or address of a server; None where it is sound."""
    if address(text) is None and DOMAIN.complain(text):
        return "Type a host name in lower case, or an IP address."
    return None


def utc_text(seconds: float) -> str:
    """Seconds since 1970 as ``2026-11-21T03:39:50Z``."""
    return time.strftime(UTC_TIME, time.gmtime(seconds))


def seconds_of(text: str) -> int:
    """Seconds since 1970 of a UTC time of that form; raises `ValueError` for any other text."""
    return int(datetime.strptime(text, UTC_TIME).replace(tzinfo=UTC).timestamp())


def is_utc_time(text: str) -> bool:
    """Whether a text is a UTC time of that form."""
    try:
        seconds_of(text)
    except ValueError:
        return False
    return True
