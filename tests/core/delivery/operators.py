"""Operators: schedule, deletions, dead letters, groups and topics."""

from copy import copy

from kapokmq.core.admin import Verdict
from tests.core.delivery.machine import Machine, action


class Operators(Machine):
    """What services/admin does, in the same steps."""

    def _body(self, chance, *, delayed=False):
        bodies = sorted(message.data for message in self.rig.store.messages.values() if message.due or not delayed)
        return chance.choice(bodies) if bodies else None

    @action(4, when=lambda self: self.rig.store.messages, verb=["cancel", "later", "sooner", "promote"])
    def schedule(self, chance, verb):
        body = self._body(chance, delayed=True)
        if body is None:
            return
        world, rig = self.world, self.rig
        text = world.texts[body]
        if text in world.perhaps:
            return
        waiting = world.waiting(text) and text not in world.books.gone
        message = copy(rig.stored(body))
        if verb == "cancel":
            if waiting:
                world.doomed.add(text)
            verdict = rig.broker.steering.cancel(message, rig.look_up(body), rig.now)
        else:
            due = rig.now.wall + {"later": 30_000, "sooner": 2_000, "promote": 0}[verb]
            if waiting:
                world.books.dues[text] = due
                world.moving.append(text)
                if rig.late is not None:
                    world.moved.add(text)
            verdict = rig.broker.steering.reschedule(message, due)
        if text not in world.books.gone:
            assert verdict is (Verdict.DONE if waiting else Verdict.TOO_LATE), verdict
        self._after()
        assert text in world.books.gone or verb != "cancel" or not waiting, "cancelled, and still there"

    @action(1, when=lambda self: self.rig.store.messages)
    def look_up(self, chance):
        """Somebody asks for a message, and will delete it."""
        self.looked_up.append((self.world.texts[body := self._body(chance)], self.rig.look_up(body)))

    @action(2, when=lambda self: self.looked_up)
    def delete(self):
        text, remnant = self.looked_up.pop(0)
        self.world.doomed.add(text)
        deleted = self.rig.broker.retention.delete([remnant], self.rig.now)
        if deleted:
            assert text not in self.world.books.gone
        self._after()
        assert text in self.world.books.gone

    @action(
        12,
        when=lambda self: any(share.dead - self.world.books.gone for share in self.world.books.shares.values()),
        again=[True, False],
    )
    def dead_letters(self, chance, again):
        shares = [(key, share) for key, share in sorted(self.world.books.shares.items()) if share.dead]
        (topic, name), share = chance.choice(shares)
        dead = sorted(share.dead - self.world.books.gone, key=lambda text: text.body)
        if not again:
            # One that waits once more, since the clock was set back before a restart, would be miscounted as delayed.
            dead = [text for text in dead if not self.world.waiting(text) and text not in self.world.perhaps]
        if not dead:
            return
        chosen = [chance.choice(dead)] if chance.random() < 0.5 else dead
        for text in chosen:
            if again:
                share.revive(text)
                share.retry.pop(text, None)
            else:
                share.finish(text)
        offsets = [self.world.offset(text) for text in chosen] + [1000]
        assert self.rig.revive(topic, name, offsets, again=again) == len(chosen)
        self._after()

    @action(
        3,
        when=lambda self: self.world.books.shares,
        verb=["pause", "resume", "resume", "purge", "purge", "delete"],
    )
    def group(self, chance, verb):
        topic, name = chance.choice(sorted(self.world.books.shares))
        world, rig = self.world, self.rig
        if verb in ("pause", "resume"):
            world.books.shares[topic, name].paused = verb == "pause"
            rig.pause(topic, name, paused=verb == "pause")
        elif verb == "purge":
            world.looking = True
            world.purge_group(topic, name)
            rig.run(rig.broker.steering.purge_group(*rig.group(topic, name))[1])
        else:
            world.looking = True
            self._drop(topic, name)
            rig.run(rig.broker.steering.delete_group(*rig.group(topic, name), rig.now))
        self._after()

    @action(1, when=lambda self: self.world.books.topics, verb=["purge", "delete"])
    def topic(self, chance, verb):
        world, rig = self.world, self.rig
        name = chance.choice(sorted(world.books.topics))
        if name in world.books.deleting:
            return
        topic = rig.broker.catalog.by_name[name]
        if verb == "purge":
            world.doom(name)
            rig.run(rig.broker.steering.purge_topic(topic)[1])
        else:
            for reader in world.delete(name):
                rig.consumers.remove(reader.consumer)
            rig.run(rig.broker.steering.delete_topic(topic, rig.now))
        self._after()

    def _drop(self, topic, name):
        for reader in self.world.drop(topic, name):
            self.rig.consumers.remove(reader.consumer)
