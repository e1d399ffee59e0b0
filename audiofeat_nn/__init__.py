"""Published genre networks in PyTorch, on the features of audiofeat."""

__all__: list[str] = []
