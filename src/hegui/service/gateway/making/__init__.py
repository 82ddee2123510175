"""Art. 4, 12 and 14 in the gateway: requests whose answer is a file. Texts checked as a chat's, the file labelled, recorded, then sent."""
