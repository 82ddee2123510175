"""The console: frame, navigation and sign-in; each room brings its own pages."""
