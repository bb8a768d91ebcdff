"""The HTTP face: the webhook, the API, the pages. Thin: it submits events and shows state."""
