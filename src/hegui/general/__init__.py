"""第一章 总则: scope (Art. 2) and content (Art. 4)."""
