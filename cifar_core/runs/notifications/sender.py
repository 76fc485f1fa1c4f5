"""The one process of a store that finds news and sends messages; training never waits for it.

The executor starts it and looks after it. It forks a process for each message, one at a time for
each address, so that a server that hangs holds up only its own messages.
"""

import os
import signal
import sqlite3
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cifar_core.background import processes
from cifar_core.disk import lock
from cifar_core.errors import CifarError, NotificationError
from cifar_core.runs.notifications import courier, found, outbox, subscriptions
from cifar_core.runs.notifications.addresses import ALLOW, Addresses
from cifar_core.runs.notifications.destinations import allowed_networks
from cifar_core.runs.notifications.news import FROM_CURVES, News
from cifar_core.runs.notifications.outbox import Message
from cifar_core.runs.notifications.subscriptions import Subscriptions
from cifar_core.runs.store.run_row import RunRow
from cifar_core.runs.store.store import Store

LOOK_SECONDS = 5.0  # between two looks at the runs
LOOK_SHARE = 0.005  # of a core, which looks at the runs of a large store may take
LONGEST_SECONDS = 60.0  # between two looks, however expensive they are
STEP_SECONDS = 0.5
PAUSE_SECONDS = 2.0  # between two messages to one address: Discord takes 30 a minute
PRUNE_SECONDS = 3600.0
NO_ADDRESS = "The process that sends messages does not know this address; ask the admin."
QUIET = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


@dataclass(kw_only=True)
class Line:
    """What the sender knows about the messages to one address."""

    failures: int = 0  # in a row
    free_at: float = 0.0  # monotonic seconds
    child: int = 0  # the process that sends to it now; 0 for none
    path: Path | None = None  # of the message that it sends
    turn: int | None = None  # descriptor of the lock of the address


class Sender:
    """Finds news, writes messages and sends them, one `step` at a time."""

    def __init__(
        self, store: Store, *, pause: float = PAUSE_SECONDS, deadline: float = courier.DEADLINE
    ) -> None:
        self.store, self.pause, self.deadline = store, pause, deadline
        self.addresses = Addresses.here(store.root)
        self.allowed = allowed_networks(os.environ.get(ALLOW, ""))
        self.watch = found.Watch(store)
        self.lines: dict[str, Line] = {}
        self.looked_at = self.pruned_at = -PRUNE_SECONDS
        self.look_took = 0.0  # CPU seconds
        self.mark, self.news = 0, list[News]()
        self.is_loaded = False

    def step(self) -> bool:
        """Do everything that is due; return True if any message waits or is being sent."""
        if time.monotonic() - self.looked_at > pause_after(self.look_took):
            self.looked_at, began = time.monotonic(), time.process_time()
            self.look()
            self.look_took = time.process_time() - began
        for name, line in self.lines.items():
            if line.child:
                self.reap(name, line)
        for path, message in outbox.listed(self.store.root).items():
            self.attend(path, message)
        return outbox.is_pending(self.store.root)

    def look(self) -> None:
        """Write a message for all news that someone wants and no message was written for."""
        people = [one for one in subscriptions.everyone(self.store.root) if one.addresses]
        if not people:
            return
        self.addresses = Addresses.here(self.store.root)  # its file may have been changed
        rows = self.store.index.rows()
        news = [*self.of_rows(rows)]
        news += self.watch.look(rows, lambda row: wants_curves(people, row))
        for one in news:
            for name in self.receivers(one, people):
                outbox.put(self.store.root, one, name)
        if time.monotonic() - self.pruned_at > PRUNE_SECONDS:
            self.pruned_at = time.monotonic()
            outbox.prune(self.store.root, {one.id for one in news})

    def of_rows(self, rows: Sequence[RunRow]) -> list[News]:
        """Return the news that rows and sweeps show; found again only when one has changed."""
        mark = found.mark_of(rows, time.time())
        if mark != self.mark:
            self.mark, self.news = mark, found.of_rows(self.store, rows, time.time())
        return self.news

    def receivers(self, news: News, people: Sequence[Subscriptions]) -> list[str]:
        """Return the names of the addresses that news go to, each once, however many people."""
        return sorted(
            {
                name
                for one in people
                if one.wants(news)
                for name in one.addresses
                if name not in self.addresses.known or self.addresses.known[name].is_for(one.person)
            }
        )

    def attend(self, path: Path, message: Message) -> None:
        """Send a message if it is its turn; conclude one whose process is over."""
        line = self.lines.setdefault(message.address, Line())
        waits = message.state == outbox.WAITING and message.next_at > time.time()
        if line.child or waits:
            return
        if message.is_over:
            outbox.put_away(path)
            return
        if time.monotonic() < line.free_at:
            return
        turn = lock.take(outbox.turn_of(self.store.root, message.address), wait=False)
        if turn is None:  # a process of an earlier sender is still at it
            return
        latest = outbox.read(path)  # nobody else changes it while we have the turn
        if latest and latest.state not in (outbox.WAITING, *outbox.OVER):
            outbox.concluded(path, latest)
        elif latest and not latest.is_over and latest.next_at <= time.time():
            self.send(path, latest, line, turn)
        os.close(turn)

    def send(self, path: Path, message: Message, line: Line, turn: int) -> None:
        """Start the process that sends a message; it keeps the turn of the address."""
        address = self.addresses.known.get(message.address)
        tried = outbox.change(path, message, outbox.SENDING, tries=message.tries + 1, why="")
        if address is None:
            outbox.postponed(path, tried, NO_ADDRESS)
            return
        if not self.is_loaded:
            courier.load()
            self.is_loaded = True
        line.path = path
        line.child = courier.fork(path, tried, address, self.allowed, deadline=self.deadline)

    def reap(self, name: str, line: Line) -> None:
        """Conclude the message whose process has ended, and decide when the next one may go."""
        done, _ = os.waitpid(line.child, os.WNOHANG)
        if not done or line.path is None:
            return
        line.child = 0
        message = outbox.read(line.path)
        ended = outbox.concluded(line.path, message) if message else None
        is_sent = ended is not None and ended.state == outbox.SENT
        line.failures = 0 if is_sent else line.failures + 1
        wait = self.pause if is_sent else outbox.wait_after(line.failures)
        line.free_at = time.monotonic() + wait
        processes.say(f"Message to {name}: {ended.state if ended else 'lost'}")


def pause_after(look: float) -> float:
    """Return the seconds to wait after a look, by the CPU seconds that it took."""
    return max(LOOK_SECONDS, min(LONGEST_SECONDS, look / LOOK_SHARE))


def wants_curves(people: Sequence[Subscriptions], row: RunRow) -> bool:
    """Whether anyone wants news that only the curves of a run show."""
    kinds = ((one, News(kind=kind, at=time.time(), run=row.id, sweep=row.sweep, owner=row.owner))
             for one in people for kind in FROM_CURVES)  # fmt: skip
    return any(one.wants(news) for one, news in kinds)


def lock_of(root: Path) -> Path:
    """Return the file that the one sender of a store locks."""
    return subscriptions.folder(root) / ".sender"


def look_after(root: Path) -> bool:
    """Start the sender if someone wants messages and none runs; return True if any is pending."""
    people = [one for one in subscriptions.everyone(root) if one.addresses]
    pending = outbox.is_pending(root)
    if (people or pending) and not lock.is_locked(lock_of(root)):
        command = [sys.executable, "-m", __name__, str(root)]
        processes.start_detached(
            command, root / "executor.log", append=True, folder=root, environment=QUIET
        )
    return pending


def serve(root: Path) -> int:
    """Find news and send messages as long as the executor runs or messages wait."""
    subscriptions.folder(root).mkdir(parents=True, exist_ok=True)
    mine = lock.take(lock_of(root), wait=False)
    if mine is None:
        return 0
    os.register_at_fork(after_in_child=lambda: os.close(mine))
    try:
        sender = Sender(Store(root))
    except NotificationError as error:
        processes.say(str(error))
        time.sleep(60.0)  # it is started again, and then says so again
        return 1
    for problem in sender.addresses.problems:
        processes.say(problem)
    ended_at = time.monotonic()
    while lock_of(root).exists():
        if attended(sender) or processes.is_running(root):
            ended_at = time.monotonic()
        if time.monotonic() - ended_at > 2 * LOOK_SECONDS:  # the last news are out by then
            return 0
        time.sleep(STEP_SECONDS)
    return 0


def attended(sender: Sender) -> bool:
    """Step once; an error of the disk or of a file is printed, and the step is tried again."""
    try:
        return sender.step()
    except (CifarError, OSError, sqlite3.DatabaseError):
        traceback.print_exc()
        time.sleep(LOOK_SECONDS)
        return True


if __name__ == "__main__":
    if os.fork():
        os._exit(0)  # the starter waited for this parent, so it is left without a child process
    os.nice(10)  # training and the pages go first
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    sys.exit(serve(Path(sys.argv[1])))
