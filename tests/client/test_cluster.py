"""The blocking face of a cluster, and with it that of asyncio, which it is made of."""

from twisted.trial.unittest import TestCase

from tests.client.cluster_contract import MoreOfTheContract
from tests.client.cluster_faces import ClusterBlocking


class ClusterTests(MoreOfTheContract, TestCase):
    face = ClusterBlocking
