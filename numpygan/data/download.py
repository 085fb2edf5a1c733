"""Downloads: a file appears under its name whole and checked, or not at all."""
import hashlib
import threading
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import IO
from urllib.parse import urlsplit

from ..files import atomic
from .protocol import DataError

Progress = Callable[[str, int, int], None]      # file name, bytes so far, bytes in all

TIMEOUT = 30.0                                  # seconds without an answer before the next mirror is tried
PATIENCE = 60.0                                 # seconds without a whole chunk: a server that drips answers for ever
CHUNK = 1 << 16                                 # bytes

PLAIN = {"ConnectionError": "no connection", "ProxyError": "no connection", "SSLError": "no safe connection",
          "ChunkedEncodingError": "it stopped half-way"}


def cache_folder() -> Path:
    """Where downloads are kept: the user's cache folder of numpygan (it need not exist)."""
    return Path(_pooch().os_cache("numpygan"))


def _pooch() -> ModuleType:
    """pooch, and with it requests and its certificates: imported only when a folder is looked for or fetched into."""
    with warnings.catch_warnings():         # in a notebook without ipywidgets it warns of a bar that we do not show
        warnings.simplefilter("ignore")
        import pooch
    return pooch


def download(path: Path, urls: Sequence[str], size: int, sha256: str, progress: Progress | None) -> None:
    """Put the file of this size (bytes) and sha256 at `path`, from the first of the URLs that serves it.

    The bytes are counted and hashed on the way; of a file that is not the right one nothing stays. DataError names what
    was wrong with each URL when none serves the file, or the folder when it cannot be written.
    """
    faults = []
    for url in urls:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with atomic(path) as file:
                sink = _Sink(file, path.name, size, progress)
                _fetch(url, sink)
                sink.check(sha256)
            return
        except (OSError, ValueError) as error:        # every error of requests is an OSError, without a file's name
            if isinstance(error, OSError) and error.filename is not None:
                raise DataError(f"the folder {path.parent} cannot be written ({error.strerror})") from error
            faults.append(f"{urlsplit(url).netloc}: {_reason(error)}")
    raise DataError("; ".join(faults) or "there is no mirror")


class _Sink:
    """A file to write to that counts, hashes, and refuses a byte too many, or too late."""

    def __init__(self, file: IO[bytes], name: str, size: int, progress: Progress | None) -> None:
        self.file, self.name, self.size, self.progress = file, name, size, progress
        self.hash = hashlib.sha256()
        self.done = 0
        self.left = False                             # nobody waits for it any more

    def write(self, chunk: bytes) -> None:
        if self.left:
            raise DataError("it was left")
        self.done += len(chunk)
        if self.done > self.size:
            raise DataError(f"it sends more than the {self.size} bytes of the file")
        self.hash.update(chunk)
        self.file.write(chunk)
        if self.progress is not None:
            self.progress(self.name, self.done, self.size)

    def flush(self) -> None:
        """The downloader asks for it after every chunk; once, at the end, is enough."""

    def check(self, sha256: str) -> None:
        if self.done != self.size:
            raise DataError(f"it stopped half-way, after {self.done} of {self.size} bytes")
        if self.hash.hexdigest() != sha256:
            raise DataError("it sends other bytes than the published ones (the sha256 differs)")


def _fetch(url: str, sink: _Sink) -> None:
    """Write what the URL serves to `sink`. The reading is done in a thread, as only what waits can be left."""
    get = _pooch().HTTPDownloader(chunk_size=CHUNK, timeout=TIMEOUT, headers={"Accept-Encoding": "identity"})
    errors: list[BaseException] = []

    def read() -> None:
        try:
            get(url, sink, None)
        except BaseException as error:                # raised again below, as long as somebody waits for it
            if not sink.left:
                errors.append(error)

    reader = threading.Thread(target=read, daemon=True)         # a dripping server does not keep Python from ending
    reader.start()
    try:
        before = -1
        while reader.is_alive():
            if sink.done == before:
                raise DataError(f"too slow: no {CHUNK >> 10} KB in {PATIENCE:g} s")
            before = sink.done
            reader.join(PATIENCE)
    finally:
        sink.left = True
    if errors:
        raise errors.pop()                            # kept, it would hold its own frame, and that the socket


def _reason(error: Exception) -> str:
    """What went wrong with a mirror, in a few words."""
    response = getattr(error, "response", None)
    if response is not None:
        return f"{response.status_code} {response.reason}"
    if "timed out" in str(error):
        return "no answer"
    return PLAIN.get(type(error).__name__, str(error))
