"""What was asked, what backends have seen, and how it ended. Odd ids are requests that must not be seen twice."""
import collections
import threading


class Ledger:
    def __init__(self):
        self.lock = threading.Lock()
        self.next = 0
        self.seen = bytearray(1 << 16)
        self.ended = collections.Counter()  # (kind, outcome)
        self.wrong = collections.Counter()  # what should not be
        self.examples = {}

    def id(self, once=False):
        """`once`: of a request that is not idempotent."""
        with self.lock:
            self.next += 2
            if self.next + 2 > len(self.seen):
                self.seen.extend(bytes(len(self.seen)))
            return self.next + 1 if once else self.next

    def count(self, number):
        """A backend has got it."""
        with self.lock:
            self.seen[number] = min(self.seen[number] + 1, 255)
            if number % 2 and self.seen[number] > 1:
                self.complain("a request that is not idempotent came twice", number)

    def end(self, kind, outcome, number=None, times=None):
        """How a request ended for its client; `times`: how often a backend must have seen it."""
        with self.lock:
            self.ended[kind, outcome] += 1
            if times is not None and self.seen[number] != times:
                self.complain(f"{kind}: answered {outcome}, and seen {self.seen[number]} times", number)

    def fail(self, kind, what):
        with self.lock:
            self.ended[kind, "failed"] += 1
            self.complain(f"{kind}: {what}", "")

    def complain(self, what, detail):
        self.wrong[what] += 1
        self.examples.setdefault(what, detail)

    def total(self):
        with self.lock:
            return sum(self.ended.values())
