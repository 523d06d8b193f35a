"""What the platform asks of connectors: requests, kept on disk until they are delivered, in order, one at a time."""
