"""Times as people read them."""


def clock(seconds: float) -> str:
    """Return 72.5 as 1:12.50."""
    minutes, hundredths = divmod(round(100 * seconds), 6000)
    hours, minutes = divmod(minutes, 60)
    clock = f"{minutes:02d}" if hours else f"{minutes}"
    return f"{f'{hours}:' if hours else ''}{clock}:{hundredths // 100:02d}.{hundredths % 100:02d}"
