"""The tx face."""

from twisted.trial.unittest import TestCase

from tests.client.contract import Contract
from tests.client.faces import Tx


class TxTests(Contract, TestCase):
    face = Tx
