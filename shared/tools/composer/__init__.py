"""From a connector's settings class and manifest: everything that describes it elsewhere."""
