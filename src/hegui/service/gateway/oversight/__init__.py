"""Art. 14 in the gateway: what people see of the exchanges that were recorded.

Lists, one exchange with its proof, figures, the policy in shadow beside the live one, and what can be proved on a day. It asks
what is kept and changes nothing; that somebody read a content is itself recorded.
"""
