"""What `run` is made of: installing clients, starting the servers, counting the outcome."""
