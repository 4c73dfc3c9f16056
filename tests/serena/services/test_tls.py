"""Certificates that can be used, and those that can't."""

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.errors import WorldError
from serena.services.tls import tls_context
from tests.serena.services.certificates import make_certificate


class TLSContextTests(SynchronousTestCase):
    def setUp(self):
        self.certificate, self.key = make_certificate(Path(self.mktemp()))

    def refusal(self, certificate, key):
        return str(self.assertRaises(WorldError, tls_context, str(certificate), str(key)))

    def test_a_certificate_and_its_key_make_one_context(self):
        factory = tls_context(str(self.certificate), str(self.key))
        self.assertIs(factory.getContext(), factory.getContext())

    def test_a_missing_file_is_named_with_its_setting(self):
        self.assertIn("server.tls.certificate: /nowhere can't be read", self.refusal("/nowhere", self.key))
        self.assertIn("server.tls.key: /nowhere can't be read", self.refusal(self.certificate, "/nowhere"))

    def test_files_that_do_not_belong_together_are_refused(self):
        _, other = make_certificate(Path(self.mktemp()))
        for certificate, key in ((self.certificate, other), (self.key, self.key), (__file__, self.key)):
            self.assertIn("not a certificate and its key", self.refusal(certificate, key))
