"""Explicit labels: what a person sees or hears of generated pictures, sound, video and documents (GB 45438-2025 chapter 5).

`mark.mark` marks a file of any kind, and hands on the implicit label that it had: last, and read back.
"""
