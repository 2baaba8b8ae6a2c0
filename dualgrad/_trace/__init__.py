"""A level is one running transformation: what all interpreters share."""
