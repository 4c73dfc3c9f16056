"""A private certificate authority, and a certificate of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.integration.broker import folder


@dataclass
class Authority:
    """PEM files: its own certificate, and the chain and key of the server's."""

    ca: Path
    chain: Path
    key: Path


def certificate(subject, issuer, public, signer, *, ca, address):
    """One certificate, for two days."""
    now = datetime.now().astimezone()
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(public)
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
    builder = builder.not_valid_after(now + timedelta(days=1))
    builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    known = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    builder = builder.add_extension(known, critical=False)
    if address is not None:
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(signer, SHA256()).public_bytes(Encoding.PEM)


def authority(case, address):
    """A new one, with a certificate for a server at an IP address."""
    place = folder(case)
    root, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "private authority")])
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "broker")])
    made = Authority(place / "ca.pem", place / "chain.pem", place / "key.pem")
    made.ca.write_bytes(certificate(issuer, issuer, root.public_key(), root, ca=True, address=None))
    made.chain.write_bytes(certificate(subject, issuer, key.public_key(), root, ca=False, address=address))
    made.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return made
