"""The certificate that a node shows."""

from OpenSSL import SSL
from twisted.internet.ssl import ContextFactory

from serena.core.errors import WorldError


class ServerContext(ContextFactory):
    """TLS 1.2 and up, with the whole chain of the certificate file."""

    isClient = False

    def __init__(self, context: SSL.Context) -> None:
        self._context = context

    def getContext(self) -> SSL.Context:
        """See IOpenSSLContextFactory."""
        return self._context


def tls_context(certificate: str, private_key: str) -> ServerContext:
    """Read both PEM files (the certificate with its chain). Raises WorldError, naming what to look at."""
    for name, path in (("certificate", certificate), ("key", private_key)):
        try:
            with open(path, "rb"):  # noqa: PTH123 -- only whether it can be read
                pass
        except OSError as error:
            raise WorldError(f"server.tls.{name}: {path} can't be read ({error.strerror})") from error
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_options(SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION)
    try:
        context.use_certificate_chain_file(certificate)
        context.use_privatekey_file(private_key)
        context.check_privatekey()
    except SSL.Error as error:
        raise WorldError(
            f"server.tls: {certificate} and {private_key} are not a certificate and its key, both PEM"
        ) from error
    return ServerContext(context)
