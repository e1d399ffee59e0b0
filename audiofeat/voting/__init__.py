"""From clips to tracks: cut tracks into clips, classify these, and let them vote."""

from audiofeat.voting.classifier import ClipVotingClassifier
from audiofeat.voting.counting import Votes, vote

__all__ = ["ClipVotingClassifier", "Votes", "vote"]
