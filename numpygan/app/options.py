"""The values that options of the command line take, and errors in one sentence."""
import argparse
import difflib
import re
from collections.abc import Callable
from typing import Any, NoReturn

SYNONYMS = {                           # what other programs and papers call it
    "wgan": "wasserstein", "wgan-gp": "wasserstein with --gradient-penalty 10", "lsgan": "least-squares",
    "ls": "least-squares", "mse": "least-squares", "ns": "non-saturating", "nsgan": "non-saturating",
    "bce": "non-saturating", "vanilla": "non-saturating", "gan": "non-saturating", "lrelu": "leaky_relu",
    "linear": "identity", "none": "identity", "--learning-rate": "--lr", "--latent-dim": "--z", "--n-critic": "--k",
    "--label-smoothing": "--real-label", "--ema": "--average", "--gp": "--gradient-penalty", "generate": "sample"}


class Misuse(ValueError):
    """A command that cannot be understood, or not be carried out as it was given; nothing was changed."""


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one sentence, with the nearest name where one is unknown."""

    def error(self, message: str) -> NoReturn:
        message = message.removeprefix("argument ")
        choice = re.fullmatch(r"(.+?): invalid choice: '(.*)' \(choose from (.*)\)", message, re.DOTALL)
        if choice:
            message = f"{choice[1]}: " + unknown(choice[2], re.findall(r"[\w-]+", choice[3]))
        raise Misuse(f"{message} (see {self.prog} --help)")


def whole(least: int) -> Callable[[str], int]:
    def convert(text):
        if not re.fullmatch(r"[+-]?\d{1,18}", text) or int(text) < least:
            long = " and at most 18 digits" if re.fullmatch(r"\+?\d{19,}", text) else ""
            raise argparse.ArgumentTypeError(f"takes a whole number of at least {least}{long}, got {text!r}")
        return int(text)
    return convert


def number(least: float, most: float = float("inf")) -> Callable[[str], float]:
    def convert(text):
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not (least <= value <= most and value != float("inf")):
            bound = f"of at least {least:g}" if most == float("inf") else f"from {least:g} to {most:g}"
            raise argparse.ArgumentTypeError(f"takes a number {bound}, got {text!r}")
        return value
    return convert


def widths(text: str) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(",")] if text.strip() else []
    if not all(re.fullmatch(r"\d{1,9}", part) and int(part) for part in parts):
        raise argparse.ArgumentTypeError(f"takes widths from 1 to 999999999 with commas between them, such as "
                                         f"128,128, got {text!r}")
    return tuple(int(part) for part in parts)


def one_of(names: Any) -> Callable[[str], str]:
    def convert(text):
        if text not in names:
            raise argparse.ArgumentTypeError(unknown(text, names))
        return text
    return convert


def unknown(name: str, names: Any) -> str:
    other = SYNONYMS.get(name.lower().replace("_", "-"), "")
    near = [other] if other.split(" ")[0] in names else difflib.get_close_matches(name, names, 1, 0.6)
    return f"{name!r} is unknown: " + (f"did you mean {near[0]}?" if near else f"choose from {', '.join(names)}")
