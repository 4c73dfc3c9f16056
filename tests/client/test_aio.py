"""The aio face."""

from twisted.trial.unittest import TestCase

from tests.client.contract import Contract
from tests.client.faces import Aio


class AioTests(Contract, TestCase):
    face = Aio
