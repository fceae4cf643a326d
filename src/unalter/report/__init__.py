"""`report.html`: one offline page that shows what a run is and what came of it."""

from unalter.report.page import write_report

__all__ = ["write_report"]
