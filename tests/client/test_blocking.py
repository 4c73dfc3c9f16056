"""The blocking face."""

from twisted.trial.unittest import TestCase

from tests.client.contract import Contract
from tests.client.faces import Blocking


class BlockingTests(Contract, TestCase):
    face = Blocking
