"""DataError: data that is not what it should be, said in one sentence."""


class DataError(ValueError):
    """Data is missing, damaged or not usable; the message says what was expected and how to mend it."""
