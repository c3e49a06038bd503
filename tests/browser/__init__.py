"""The browser tier: `slipway plan --format html` as a person meets it, in a real headless Chromium (`make browser`).

What a unit test can read in the text of the page is tested there (tests/unit/cli/test_plan_html.py). Here is what only
a browser knows: where things are drawn, which colours they get, what a key does, what axe-core finds, and that the page
asks for nothing and reports no error under its own policy.

There is no picture to compare with. Fonts and their smoothing differ between machines, so a picture taken on one fails
on the next; or its tolerance is so wide that it misses a bar of half the width. Instead, boxes are read from the
document and compared with the report that the page was made from, and of a screenshot it is asked that it is not blank,
and light where the page is light and dark where it is dark. SLIPWAY_SCREENSHOTS names a folder to keep them in.

Chromium is driven over a pipe with its own DevTools protocol (chromium.py): nothing to install beside it, no port.
It is found as SLIPWAY_CHROMIUM, or on PATH; scripts/browser installs it where it is missing and that can be done.
Without it these tests fail. They never skip: a page that nobody looked at is not a page that works.
"""
