"""Drills: a play run against an injected fault, by Playcall itself, and what that taught."""
