"""Art. 12 in the gateway: files in the answers of a chat, whole and streamed, are taken out, labelled, and put back where they stood."""
