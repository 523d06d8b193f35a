"""An embedded, OpenCTI-compatible platform in one small process.

It speaks to the unmodified `pycti` client over the wire and knows neither the connectors SDK nor any connector.
Start it with `testbed serve`, or from a test with `opencti_testbed.process.TestbedProcess`.
"""

__version__ = "0.1.0"
