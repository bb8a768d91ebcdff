"""The full-screen view of `playcall watch`: what is open, one incident, and what to do about it."""
