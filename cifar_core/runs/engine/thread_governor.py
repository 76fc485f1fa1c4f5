"""Decides on how many CPU threads to train while other programs use the same cores.

Threads that share their cores wait for each other in every operator, and several on busy cores
can be many times slower than a single one. Only measured rates decide: when the cores look
crowded one thread is tried, when they look free all of them are, and the faster way is kept.
"""

from dataclasses import dataclass, field

WINDOW = 2.0  # seconds that a rate is measured over
SHORTEST, LONGEST = 30.0, 600.0  # seconds between two trials; doubles while nothing is gained
BETTER = 1.1  # times as many images a second that a change must gain
INFLATED = 1.5  # times the least CPU time per image, or the least time, that is suspicious
SPARE = 0.5  # cores; less than this busy elsewhere disturbs nobody


@dataclass(kw_only=True)
class Stretch:
    """Some consecutive training steps."""

    wall: float = 0.0  # seconds by the clock
    cpu: float = 0.0  # seconds of this process on all its threads
    images: int = 0
    others: float | None = None  # cores that other programs kept busy; None if that is unknown

    def add(self, more: "Stretch") -> None:
        """Take in the steps that follow."""
        known = [s for s in (self, more) if s.others is not None]
        wall = sum(s.wall for s in known)
        self.others = sum(s.wall * (s.others or 0.0) for s in known) / wall if wall else None
        self.wall += more.wall
        self.cpu += more.cpu
        self.images += more.images


@dataclass
class Governor:
    """Give it every stretch of training; `threads` is the number to train on from then on."""

    most: int  # threads while the cores are free
    cores: int  # of the machine
    threads: int = 0
    words: str = ""  # about the last change
    _seen: Stretch = field(default_factory=Stretch)
    _settling: bool = True  # the first stretch after a change pays for the change
    _trial: bool = False
    _rates: dict[int, float] = field(default_factory=dict)  # images a second at each count
    _thrift: tuple[float, float] = (float("inf"), float("inf"))  # least CPU and time per image
    _rest: float = 0.0  # seconds until the next trial may begin
    _patience: float = SHORTEST

    def __post_init__(self) -> None:
        self.threads = self.most

    def add(self, stretch: Stretch) -> bool:
        """Take in a stretch; tell whether `threads` has changed for good, so that it is news."""
        self._rest -= stretch.wall
        if self._settling:
            self._settling = False
            return False
        self._seen.add(stretch)
        if self._seen.wall < WINDOW or not self._seen.images:
            return False
        seen, self._seen = self._seen, Stretch()
        self._rates[self.threads] = seen.images / seen.wall
        if self._trial:
            return self._judge()
        if self._wants_trial(seen):
            self._trial = True
            self._switch(1 if self.threads == self.most else self.most)
        return False

    def _wants_trial(self, seen: Stretch) -> bool:
        crowded = self._is_crowded(seen)
        if self._rest > 0:
            return False
        return crowded if self.threads == self.most else not crowded

    def _is_crowded(self, seen: Stretch) -> bool:
        """Tell whether others seem to be in the way; on cores of one's own this is never so.

        That matters beyond speed: without a trial, equal seeds give equal sums.
        """
        too_many = seen.others is not None and seen.others + self.most > self.cores + SPARE
        inflated = False
        if self.threads == self.most:
            costs = seen.cpu / seen.images, seen.wall / seen.images
            inflated = any(c > INFLATED * low for c, low in zip(costs, self._thrift, strict=True))
            self._thrift = min(costs[0], self._thrift[0]), min(costs[1], self._thrift[1])
        alone = seen.others is not None and seen.others <= SPARE
        return too_many or (inflated and not alone)

    def _judge(self) -> bool:
        """End a trial: keep the count that was tried only if it is clearly faster."""
        tried, home = self.threads, 1 if self.threads == self.most else self.most
        self._trial = False
        if self._rates[tried] > BETTER * self._rates[home]:
            self._patience = self._rest = SHORTEST
            self.words = self._in_words()
            return True
        self._rest = self._patience
        self._patience = min(LONGEST, 2 * self._patience)
        self._switch(home)
        return False

    def _switch(self, threads: int) -> None:
        self.threads, self._settling = threads, True

    def _in_words(self) -> str:
        one, many = self._rates[1], self._rates[self.most]
        rates = f"({one:,.0f} images per second with one, {many:,.0f} with {self.most})"
        if self.threads == 1:
            return f"now 1, because other programs keep the cores busy {rates}"
        return f"again {self.most}, as the cores are free {rates}"
