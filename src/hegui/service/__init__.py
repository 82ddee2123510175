"""第三章 服务规范: the rooms of the running service (Art. 9 to 15)."""
