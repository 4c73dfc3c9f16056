"""What every HTTP face of a node needs: the key, CORS, answers in JSON."""
