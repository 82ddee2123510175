"""Art. 4 and 14: the gateway. Check in, check out, stop, remove, record.

An OpenAI-compatible endpoint in front of any model. Everything that carries text is checked, in
and out; streamed text is held back until it is checked; each answer is labelled; the record of
an exchange is durable before the last byte of its answer leaves. See docs/gateway.md.

The chat's path is here; its parts: `media` (a file and its labels), `attachments` (files in a chat's
answer), `making` (requests whose answer is a file), `oversight` (what people see of the records).
"""
