"""`report.html`: one offline page that shows what a run is and what came of it."""

from unalter.support.verbs import make_verb

make_verb(__name__)  # unalter.report(...) is the verb
