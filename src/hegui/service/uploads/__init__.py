"""Labelling Measures 6: what users upload is checked, declared, shown a notice for, and passed on with its label.

A platform hands each upload over; it gets back whether the content is, may be or is suspected to be generated,
the notice to show beside it, and the file with the platform's own fields added. The producer's fields stay, and
a label is never lowered. That it was done is kept.
"""
