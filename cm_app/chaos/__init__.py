"""`cm chaos`: every process and server is killed at random while the product works, then the books
must balance. `run` is the story; `books` is the judge and knows nothing about how it came about.
"""
