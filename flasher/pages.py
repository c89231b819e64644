"""What every page that we serve to browsers has in common: headers, and secrets that open it."""

from __future__ import annotations

import hmac
import secrets

LOOPBACK = "127.0.0.1"


def sent_headers(**policy: str) -> dict[str, str]:
    """Sent with every answer: nothing of others is loaded, framed, or told where we are.

    Args:
        policy: what a page may load beyond its own scripts, styles, images and connections: the
            sources of a directive of the Content-Security-Policy, ``font_src="'self'"``.
    """
    directives = {
        "default-src": "'none'",
        "script-src": "'self'",
        "connect-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        **{name.replace("_", "-"): sources for name, sources in policy.items()},
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    return {
        "Cache-Control": "no-store",
        "Content-Security-Policy": "; ".join(f"{name} {of}" for name, of in directives.items()),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }


def new_secret() -> str:
    """A token or cookie that nobody guesses: 256 bits, in letters that addresses may have."""
    return secrets.token_urlsafe(32)


def is_same(shown: str, secret: str) -> bool:
    """In a time that tells nothing; what is shown may be no text at all."""
    return hmac.compare_digest(shown.encode(errors="replace"), secret.encode())
