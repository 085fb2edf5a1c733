"""What a person at the terminal sees of a run, and how they stop it."""
import os
import signal
import sys
import threading
import time
from types import FrameType, TracebackType
from typing import Any

from ..gan import GAN

HANGUP = getattr(signal, "SIGHUP", None)                  # the terminal was closed; Windows has none
TO_END = (signal.SIGTERM,) if HANGUP is None else (signal.SIGTERM, HANGUP)


def interactive() -> bool:
    """Is somebody watching? In a pipe or a log nothing moves."""
    return sys.stderr is not None and sys.stderr.isatty()      # None where it is closed


def say(text: str) -> None:
    """A line for whoever watches; nothing otherwise."""
    if interactive():
        print(text, file=sys.stderr, flush=True)


class Stop:
    """A callback that ends the run at the next step once Ctrl-C (or SIGTERM, or SIGHUP) has come; the second time, at
    once, but for SIGHUP, which a shell repeats.

    Use it as a context: the handlers that were there come back. Where the process was told to ignore a signal, or in
    a thread, nothing is changed.
    """

    SIGNALS = (signal.SIGINT, *TO_END)

    def __init__(self) -> None:
        self.signal: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Stop":
        if threading.current_thread() is threading.main_thread():
            for number in self.SIGNALS:
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._caught)
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def __call__(self, gan: GAN) -> bool:
        return self.signal is not None

    def _caught(self, number: int, frame: FrameType | None) -> None:
        if self.signal is not None:
            if number == HANGUP:
                return
            before = self._before[number]
            if callable(before):
                before(number, frame)            # which may tell the signals apart
            raise KeyboardInterrupt
        self.signal = number
        if interactive():                        # os.write: print may be what was interrupted
            os.write(sys.stderr.fileno(), b"\nstopping after this step or picture; once more to quit at once\n")


class Waiting:
    """A callback that says `text`, if any, when the first step takes long."""

    PATIENCE = 0.8                               # seconds

    def __init__(self, text: str):
        self.timer = threading.Timer(self.PATIENCE, say, [text])
        self.timer.daemon = True
        if text:
            self.timer.start()

    def __call__(self, gan: GAN) -> None:
        self.timer.cancel()

    def close(self) -> None:
        self.timer.cancel()


class Bar:
    """A callback that moves a progress bar, with the means of D's answers; invisible where nobody watches."""

    def __init__(self, total: int, done: int):
        from tqdm import tqdm
        self.bar = tqdm(total=total, initial=done, disable=not interactive(), unit="step", dynamic_ncols=True,
                        mininterval=0.2)
        self._shown = 0.0

    def __call__(self, gan: GAN) -> None:
        self.bar.update()
        now = time.monotonic()
        if not self.bar.disable and now - self._shown > 0.5:
            self._shown = now
            self.bar.set_postfix_str(summary(gan, 100), refresh=False)

    def close(self) -> None:
        self.bar.close()


def summary(gan: GAN, window: int) -> str:
    """The means of losses and of D's answers over the last `window` steps."""
    h = gan.history
    rows = h["step"] > len(h) - window
    names = {"loss_D": "L_D", "loss_G": "L_G", "D_real": "D(x)", "D_fake": "D(G(z))"}
    return " ".join(f"{shown} {h[name][rows].mean():.2f}" for name, shown in names.items())
