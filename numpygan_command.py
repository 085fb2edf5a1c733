"""The console command `numpygan`, outside the package, whose import takes a third of a second: Ctrl-C may come then."""
import sys


def main() -> int:
    """What `numpygan.cli.main` does, but a sentence where that is not there yet."""
    try:
        from numpygan.cli import main
        return main()
    except KeyboardInterrupt:
        print("numpygan: stopped at once", file=sys.stderr)
        return 130
