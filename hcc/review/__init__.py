"""The local web page on which coders work the list and decide; ``hcc.review.server.serve`` starts it.

Nothing here is imported before it is asked for: the page needs nicegui, the extra "review".
"""
