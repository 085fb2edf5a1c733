"""The command line, one file for each command that is not a package of its own, and the run folders they share."""
from .commands import COMMANDS, main, parser
from .options import Misuse

__all__ = ["COMMANDS", "Misuse", "main", "parser"]
