"""合规 hegui: run a generative-AI service for the public in China lawfully, and prove it."""

from importlib.metadata import version

__version__ = version("hegui")
