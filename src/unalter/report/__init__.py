"""`report.html`: one offline page that shows what a run is and what came of it."""
