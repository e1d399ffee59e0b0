"""The one error of this folder."""


class AudioError(ValueError):
    """An audio file that cannot be read, or not to its end.

    Parameters
    ----------
    path : str
        The file.
    reason : str
        What is wrong with it, in one line.

    Examples
    --------
    >>> from audiofeat import AudioError, load
    >>> try:
    ...     load("nowhere.wav")
    ... except AudioError as error:
    ...     print(error)
    nowhere.wav: No such file or directory
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)  # both, so that the error survives pickling
        self.path, self.reason = path, reason

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"
