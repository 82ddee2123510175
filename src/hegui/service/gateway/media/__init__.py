"""Art. 12 in the gateway: files leave with both labels, read back, or not at all.

One file at a time, whole or while it passes: read out of base64 or fetched, labelled, kept on the shelf for its URL. Nothing here
knows of chats, requests or records; `attachments` and `making` do.
"""
