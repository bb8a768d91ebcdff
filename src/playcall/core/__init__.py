"""Decides; touches nothing outside memory: no files, no network, no clock, no randomness."""
