"""Which altered picture came from which clean one."""
