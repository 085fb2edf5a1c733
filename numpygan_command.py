"""The console command `numpygan`, outside the package, whose import takes a third of a second: Ctrl-C may come then."""
import sys


def main() -> int:
    """`numpygan.cli.main`, and a sentence for a Ctrl-C that comes while it is imported."""
    try:
        from numpygan.cli import main
        return main()
    except KeyboardInterrupt:
        print("numpygan: stopped at once", file=sys.stderr)
        return 130
