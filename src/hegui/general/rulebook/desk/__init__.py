"""Where people work on the rulebook: its pages in the console, its commands in a terminal. What is decided is decided by `acts`."""
