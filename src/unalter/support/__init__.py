"""What everything else stands on: errors, files, console, progress, memory, the device, the cache."""
