"""The Twisted face of a cluster."""

from twisted.trial.unittest import TestCase

from tests.client.cluster_contract import ClusterContract
from tests.client.cluster_faces import ClusterTx


class ClusterTests(ClusterContract, TestCase):
    face = ClusterTx
