"""Timings of the library beside what a user would otherwise write, each with the deviation of the results."""
