"""The embedded engine offers what its interfaces declare, under the same names and with the same arguments."""

import inspect
from typing import Protocol

from twisted.trial.unittest import SynchronousTestCase

from kapokmq.core.admin import Admin
from kapokmq.core.engine import Engine
from kapokmq.core.peers import Publisher, Receiver
from kapokmq.services.admin import Administration
from kapokmq.services.embedded import EmbeddedEngine
from kapokmq.services.questions import _Sender
from tests.services import engine


def declared(interface):
    """The methods that an interface declares, by name."""
    return {
        name: member
        for name, member in vars(interface).items()
        if inspect.isfunction(member) and not name.startswith("_")
    }


def arguments(method):
    """How a method is called: each argument's name, kind and default."""
    return [(one.name, one.kind, one.default) for one in inspect.signature(method).parameters.values()]


def awaited(method):
    """Whether what a method gives is to be awaited, as far as it says so."""
    said = inspect.get_annotations(method, eval_str=False).get("return")
    return inspect.iscoroutinefunction(method) or "Awaitable" in str(said)


class ContractTests(SynchronousTestCase):
    def hold(self, provider, interface, *, exactly=True):
        wanted = declared(interface)
        self.assertTrue(issubclass(interface, Protocol) and wanted)
        for name, method in wanted.items():
            found = getattr(provider, name, None)
            self.assertIsNotNone(found, f"{provider.__name__} has no {name}")
            self.assertEqual(arguments(found), arguments(method), name)
            if exactly:
                self.assertEqual(awaited(found), awaited(method), name)

    def test_the_engine(self):
        self.hold(EmbeddedEngine, Engine)
        self.assertGreater(len(declared(Engine)), 20)

    def test_the_administration(self):
        self.hold(Administration, Admin)
        self.assertGreater(len(declared(Admin)), 20)

    def test_the_stand_ins_of_these_tests(self):
        self.hold(engine.Receiver, Receiver, exactly=False)
        self.hold(engine.Publisher, Publisher, exactly=False)
        self.hold(_Sender, Publisher, exactly=False)

    def test_what_operators_may_call_is_declared(self):
        inside = {"open", "found", "done", "starts"}
        public = {name for name in dir(Administration) if not name.startswith("_")}
        self.assertEqual(public - declared(Admin).keys(), inside)
