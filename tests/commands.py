"""The command line in processes of its own, which can be stopped."""
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MAIN = "import sys; from numpygan.cli import main; sys.exit(main())"
UNDRAWN = ("import sys; from numpygan.cli import main; from numpygan.app.run import Run\n"
           "Run.draw = Run.draw_samples = lambda *_: None\n"
           "sys.exit(main())")


def environment(**more):
    return os.environ | {"PYTHONPATH": str(ROOT), "NUMPYGAN_ENGINE": "numpy"} | more


def start(*argv, code=MAIN, **kwargs):
    """A process of its own whose Ctrl-C works whatever started us."""
    return subprocess.Popen([sys.executable, "-W", "error", "-c", code, *argv], env=environment(), text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler), **kwargs)


def wait_for(condition, process, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.01)
