"""The classic wire behind TLS."""

from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from twisted.internet import reactor, ssl
from twisted.internet.endpoints import SSL4ClientEndpoint
from twisted.internet.protocol import Factory
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from tests.protocols.sockets import SocketClient, SocketNode
from tests.protocols.wire import (
    ACCEPTED,
    CONSUMER,
    KEY,
    OK,
    PROMPT,
    RIGHT,
    close_frame,
    frame,
    message,
    parse,
    request,
)


class TlsTests(TestCase):
    """One node, clients that speak TLS."""

    timeout = 30

    def setUp(self):
        self.node = SocketNode(self)
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        now = datetime.now().astimezone()
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .sign(key, SHA256())
        )
        pem = certificate.public_bytes(Encoding.PEM) + key.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        )
        file = Path(self.mktemp())
        file.write_bytes(pem)
        context = ssl.DefaultOpenSSLContextFactory(str(file), str(file))
        self.port = reactor.listenSSL(0, self.node.site, context, interface="127.0.0.1")
        self.addCleanup(self.port.stopListening)

    async def connect(self, data):
        """A client that has sent these bytes."""
        endpoint = SSL4ClientEndpoint(reactor, "127.0.0.1", self.port.getHost().port, ssl.CertificateOptions())
        client = await endpoint.connect(Factory.forProtocol(SocketClient))
        self.node.clients.append(client)
        client.transport.write(data)
        return client

    async def test_a_conversation_and_its_end(self):
        client = await self.connect(request() + frame(KEY) + message("a"))
        await client.reads(2)
        self.assertEqual(client.answer + b"\r\n\r\n", ACCEPTED)
        while not self.node.engine.unconfirmed:
            await deferLater(reactor, 0, lambda: None)
        self.node.engine.confirm()
        await client.reads(3)
        client.send(frame("oops"))
        await client.closed()
        self.assertEqual(client.take(), [PROMPT, RIGHT, OK, close_frame(1007, "not JSON at character 0")])

    async def test_a_consumer_that_does_not_read(self):
        client = await self.connect(request(CONSUMER) + frame(KEY))
        await client.reads(2)
        client.take()
        client.transport.pauseProducing()
        (member,) = self.node.engine.members
        sent = 0
        while not member.stalls:
            self.node.engine.deliver("orders", "x" * 100_000)
            sent += 1
            await deferLater(reactor, 0, lambda: None)
        client.transport.resumeProducing()
        await client.reads(sent)
        self.assertEqual(len(parse(client.stream).frames), sent)
        self.assertEqual(member.stalls[-1:], [False])
