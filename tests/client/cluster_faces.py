"""The cluster's faces behind one that blocks."""

from twisted.internet import reactor
from twisted.internet.threads import blockingCallFromThread

from kapokmq.client import cluster
from kapokmq.client.cluster import tx as cluster_tx
from tests.client.faces import Blocking, Tx


class ClusterBlocking(Blocking):
    """The blocking face as it is."""

    def __init__(self, case, registries=(), **options):
        self.client = cluster.Cluster(registries, **options)
        case.addCleanup(self.client.close)


class ClusterTx(Tx):
    """The Twisted face, in the reactor."""

    def __init__(self, case, registries=(), **options):
        self.client = cluster_tx.Cluster(registries, reactor, **options)

        def begin():
            self.client.startService()
            case.addCleanup(self._stop)
            return self.client.when_connected()

        blockingCallFromThread(reactor, begin)
