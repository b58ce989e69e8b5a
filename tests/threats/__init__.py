"""Which threats there are, which tests show that each is met, and the page that says so.

    python -m tests.threats             # run the quick tests of every row, write the page
    python -m tests.threats --long      # the long ones too; hours
    python -m tests.threats --rows 2,9  # of these rows only

Results that were not run again are kept. They are in docs/threats.json, from which the table of
docs/threat-model.md is written.
"""
