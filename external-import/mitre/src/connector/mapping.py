"""What becomes of each ATT&CK type. One table: the converter acts on it, the run's summary and the README quote it."""

# STIX type of ATT&CK -> entity type of OpenCTI.
BECOMES = {
    "attack-pattern": "Attack-Pattern",
    "campaign": "Campaign",
    "course-of-action": "Course-Of-Action",
    "intrusion-set": "Intrusion-Set",
    "malware": "Malware",
    "tool": "Tool",
    "x-mitre-asset": "Infrastructure",
    "x-mitre-data-component": "Data-Component",
    "x-mitre-data-source": "Data-Source",
}

# STIX type of ATT&CK -> why it is no object of its own.
CARRIED = {
    "identity": "is the author of everything that is imported",
    "marking-definition": "is the statement marking of everything that is imported",
    "x-mitre-analytic": "its text is part of the detection of the technique that its strategy detects",
    "x-mitre-collection": "its version names the work and the state",
    "x-mitre-detection-strategy": "its text is part of the detection of the technique that it detects",
    "x-mitre-log-source": "OpenCTI has no log sources; data components name theirs in their description",
    "x-mitre-matrix": "gives the order of the kill chain phases",
    "x-mitre-tactic": "is the kill chain phase of its techniques",
}
CARRIED_RELATIONSHIP = (
    "from a detection strategy: becomes `detects` of the data components that it uses"
)
UNKNOWN = "a type that this connector does not know"
WITHDRAWN = "revoked or deprecated"
END_LEFT_OUT = "relationship of an object that is not imported"
NOT_NEW = "not changed since the last release"
