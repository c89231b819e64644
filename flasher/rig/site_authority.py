"""A site's own certificate authority: what speaks for the site on the network is known by it.

Its key is made of the site's signing key, so there is nothing more to keep, to lock or to lose. The
same key gives the same certificate, byte by byte, on every computer that has the site.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from flasher.rig.signing import SiteSigner

_PURPOSE = "flasher site authority 1"
# RFC 5280, 4.1.2.5: for certificates without an end. Nodes have no clocks when they start.
_BEGIN, _END = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
_SERIAL_BYTES = 16
# The order of P-256 (SP 800-186, 3.2.1.3), and so many bits more that no key is likelier than
# another (FIPS 186-5, A.2.1).
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_SEED_BYTES = 40


def authority_pem(signer: SiteSigner) -> str:
    """The site's certificate: nodes trust whom it vouches for."""
    return _authority(signer).public_bytes(Encoding.PEM).decode()


def issue(signer: SiteSigner, names: Iterable[str], addresses: Iterable[str]) -> tuple[str, str]:
    """A certificate for a server of the site, and its new key, both in PEM.

    Args:
        names: under which it is called, such as ``central.local``.
        addresses: IPv4 or IPv6, without a scope.

    Raises:
        ValueError: a name or an address is none.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    others: list[x509.GeneralName] = [x509.DNSName(name) for name in names]
    others += [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]
    authority = _authority(signer)
    certificate = (
        _builder(authority.subject, _named(f"server of {signer.name}"), key.public_key())
        .serial_number(x509.random_serial_number())
        .add_extension(x509.SubjectAlternativeName(others), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(_key(signer).public_key()),
            critical=False,
        )
        .sign(_key(signer), hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return certificate.public_bytes(Encoding.PEM).decode(), private.decode()


def _authority(signer: SiteSigner) -> x509.Certificate:
    key, name = _key(signer), _named(f"site key {signer.public.fingerprint}")
    serial = int.from_bytes(signer.derived(f"{_PURPOSE} serial", _SERIAL_BYTES)) >> 1
    return (
        _builder(name, name, key.public_key())
        .serial_number(serial or 1)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256(), ecdsa_deterministic=True)
    )


def _key(signer: SiteSigner) -> ec.EllipticCurvePrivateKey:
    seed = int.from_bytes(signer.derived(_PURPOSE, _SEED_BYTES))
    return ec.derive_private_key(seed % (_ORDER - 1) + 1, ec.SECP256R1())


def _builder(
    issuer: x509.Name, subject: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .issuer_name(issuer)
        .subject_name(subject)
        .public_key(key)
        .not_valid_before(_BEGIN)
        .not_valid_after(_END)
    )


def _named(text: str) -> x509.Name:
    """At most 64 characters (RFC 5280, appendix A.1); a site may get another name, not a key."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text[:64])])


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )
