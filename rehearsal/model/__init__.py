"""A stand-in for Amazon Bedrock's models, which answers with the lexicon's analysis."""

from rehearsal.model.answers import Answer, LexiconAnswer
from rehearsal.model.profiles import InferenceProfile
from rehearsal.model.server import Model
from rehearsal.model.state import Behaviour, Statistics

__all__ = ["Answer", "Behaviour", "InferenceProfile", "LexiconAnswer", "Model", "Statistics"]
