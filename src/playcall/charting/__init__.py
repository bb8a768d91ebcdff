"""Charts, drawn by matplotlib: the same chart gives the same bytes, as SVG for pages and as PNG for
paper and mail. Two threads may draw at once; they take turns."""

from playcall.charting.picture import HEIGHT, WIDTH, draw_png, draw_svg

__all__ = ["HEIGHT", "WIDTH", "draw_png", "draw_svg"]
