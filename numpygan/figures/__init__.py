"""The figures of the theory, each computed when it is drawn: `numpygan figures`, one file here for each."""
